// `npm run generate` writes src/generated anew from the service's document.
import { defineConfig } from '@hey-api/openapi-ts';

export default defineConfig({
  input: process.env.ODEM_DOCUMENT ?? '../../docs/openapi.json',
  output: { path: process.env.ODEM_TARGET ?? 'src/generated', module: { extension: '.js' } },
  plugins: ['@hey-api/client-fetch', '@hey-api/typescript', '@hey-api/sdk'],
});
