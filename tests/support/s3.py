"""An S3 server for a test session: moto's, in a process of its own, spoken to over HTTP on loopback."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

import boto3

from tests.support.servers import free_port


@dataclass(frozen=True, order=True)
class StoredObject:
    """An object in a bucket, with the names that a path has for the same."""

    bucket: str
    key: str
    server: S3Server

    def read_bytes(self) -> bytes:
        content: bytes = self.server.client.get_object(Bucket=self.bucket, Key=self.key)["Body"].read()
        return content

    def write_bytes(self, content: bytes) -> None:
        self.server.client.put_object(Bucket=self.bucket, Key=self.key, Body=bytes(content))

    def unlink(self) -> None:
        self.server.client.delete_object(Bucket=self.bucket, Key=self.key)

    def with_name(self, name: str) -> StoredObject:
        return StoredObject(self.bucket, f"{self.key.rpartition('/')[0]}/{name}", self.server)

    def __str__(self) -> str:
        return f"{self.bucket}/{self.key}"


@dataclass(frozen=True)
class Bucket:
    name: str
    server: S3Server

    @property
    def url(self) -> str:
        return f"s3://{self.name}/photos"

    def objects(self) -> list[StoredObject]:
        pages = self.server.client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [
            StoredObject(self.name, o["Key"], self.server) for page in pages for o in page.get("Contents", ())
        ]

    def unfinished(self) -> list[Any]:
        """Uploads in parts that were begun and neither completed nor given up."""
        return list(self.server.client.list_multipart_uploads(Bucket=self.name).get("Uploads", ()))


@dataclass(frozen=True, order=True)
class S3Server:
    address: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL_S3": self.address,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @cached_property
    def client(self) -> Any:
        return boto3.session.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name="us-east-1"
        ).client("s3", endpoint_url=self.address)

    def bucket(self) -> Bucket:
        name = f"careroom-{uuid4().hex}"
        self.client.create_bucket(Bucket=name)
        return Bucket(name, self)


@contextmanager
def s3() -> Iterator[S3Server]:
    """Run moto's server and end it afterwards."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield S3Server(f"http://127.0.0.1:{port}")
    finally:
        server.kill()
        server.wait()
