"""`python -m service.healthcheck`: Docker's health check, exit status 0 when the gateway is ready."""

import sys
import urllib.error
import urllib.request

from service.settings import GatewaySettings


def main() -> int:
    """Ask /readyz over the loopback interface."""
    port = GatewaySettings.read().port
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=4) as response:
            return 0 if response.status == 200 else 1
    except (urllib.error.URLError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
