// Uploads a file as tus-js-client does by default, and says its URL: node upload.js ENDPOINT FILE
const fs = require("node:fs");
const tus = require("tus-js-client");

const [endpoint, path] = process.argv.slice(2);
const upload = new tus.Upload(fs.createReadStream(path), {
  endpoint,
  uploadSize: fs.statSync(path).size,
  retryDelays: Array(900).fill(100), // ninety seconds, for a machine with a slow disk,
  metadata: { filename: "checkpoint.safetensors" },
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: () => console.log(upload.url),
});
upload.start();
