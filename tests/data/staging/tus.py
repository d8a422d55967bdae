"""Sends a file to a staging server with a stock client of tus, which is cut off and goes on. python3 tus.py http://HOST:PORT"""

import base64
import hashlib
import random
import sys
import urllib.request

from tusclient.client import TusClient
from tusclient.storage.filestorage import FileStorage

SIZE_BYTES, PIECE_BYTES = 25_000_000, 5_000_000

server = sys.argv[1]
with open("file.bin", "wb") as file:
    file.write(random.Random(1).randbytes(SIZE_BYTES))
with open("file.bin", "rb") as file:
    digest = hashlib.sha256(file.read()).hexdigest()


def uploader():
    client = TusClient(server + "/v1/namespaces/team/uploads")
    notes = FileStorage("notes.json")
    return client.uploader(
        "file.bin", chunk_size=PIECE_BYTES, store_url=True, url_storage=notes, metadata={"sha256": digest}
    )


first = uploader()
first.upload_chunk()
first.upload_chunk()
cut_off = first.offset
# The first one is gone.
second = uploader()
assert second.url == first.url and second.offset == cut_off, (second.url, second.offset)
second.upload()
answer = urllib.request.urlopen(f"{server}/v1/namespaces/team/blobs/sha256:{digest}")
assert hashlib.sha256(answer.read()).hexdigest() == digest
told = base64.b64encode(bytes.fromhex(digest)).decode()
assert answer.headers["Repr-Digest"] == f"sha-256=:{told}:", answer.headers
print(f"cut off at {cut_off} of {SIZE_BYTES}, went on, and all of it is there")
