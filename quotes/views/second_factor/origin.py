"""Where passkeys work."""

from __future__ import annotations

import ipaddress

from django.http import HttpRequest
from django.http.request import split_domain_port


def passkeys_work(request: HttpRequest) -> bool:
    """Whether browsers take a passkey of this site: over https or on `localhost`, and by a name.

    An address in digits is no name (Web Authentication, "relying party identifier").
    """
    host = split_domain_port(request.get_host())[0].strip("[]")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return request.is_secure() or host == "localhost" or host.endswith(".localhost")
    return False
