"""Asks each address in every way that a client may, over one connection, and prints how much it was told."""

import sys

import requests

session = requests.Session()
for url in sys.argv[1:]:
    plain = session.get(url, headers={"Accept-Encoding": "identity"}, timeout=300)
    packed = session.get(url, timeout=300)
    streamed = session.get(url, stream=True, timeout=300)
    parts = sum(len(part) for part in streamed.iter_content(8192))
    head = session.head(url, timeout=300)
    condition = session.get(url, headers={"If-None-Match": '"x"', "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, timeout=300)
    part = session.get(url, headers={"Range": "bytes=0-9"}, timeout=300)
    for answer in [plain, packed, streamed, head, condition]:
        assert answer.status_code == 200, (url, answer.status_code)
    assert part.status_code in (200, 206), (url, part.status_code)
    assert not head.content, url
    if "/api/" in url:
        assert packed.content == plain.content == condition.content, (url, len(plain.content), len(packed.content))
        assert parts == len(plain.content), (url, parts, len(plain.content))
        if packed.headers["Content-Type"] == "application/json":
            packed.json()
    print(len(packed.content), url)
