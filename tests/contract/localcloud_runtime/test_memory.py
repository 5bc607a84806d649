"""A closed cloud leaves nothing behind: a test run opens hundreds, a sweep thousands."""

import gc
import weakref
from pathlib import Path
from typing import Any

import botocore
from moto.sns.models import Subscription

from icscaler_localcloud.cloud import LocalCloud

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      CodeUri: code/
      Handler: app.lambda_handler
"""
# As every function of ours: Powertools registers itself with botocore when it is imported.
HANDLER = """
from aws_lambda_powertools import Logger
import boto3

logger = Logger(service="worker")


def lambda_handler(event, context):
    return boto3.client("sqs").meta.region_name
"""


def open_and_close(template: Path) -> weakref.ref[LocalCloud]:
    with LocalCloud() as cloud:
        cloud.deploy(template, name="test")
        for _ in range(2):
            assert cloud.functions.invoke("Worker", {}).result == "us-east-1"
        return weakref.ref(cloud)


def test_closed_clouds_are_forgotten(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text(HANDLER)
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    initializers: Any = botocore
    before = list(initializers._INITIALIZERS)
    clouds = [open_and_close(tmp_path / "template.yaml") for _ in range(3)]
    gc.collect()
    # The last one may still be known to whatever remembers one thing, as modules do.
    assert [cloud() for cloud in clouds[:-1]] == [None, None]
    assert before == initializers._INITIALIZERS


def test_all_topics_sign_with_one_key() -> None:
    first, second = object.__new__(Subscription), object.__new__(Subscription)
    assert first.private_key() is second.private_key()
