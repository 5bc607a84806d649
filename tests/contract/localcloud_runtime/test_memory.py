"""A closed cloud leaves nothing behind: a test run opens hundreds, a sweep thousands."""

import gc
import weakref
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore
from moto.kms.models import Key
from moto.sns.models import Subscription

from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.inprocess import _compiled

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


def test_sessions_do_not_add_to_what_all_of_them_search() -> None:
    folders = []
    for _ in range(3):
        with LocalCloud() as cloud:
            boto3.client("sqs")
            loader = cloud.session()._session.get_component("data_loader")
            folders.append(len(loader.search_paths))
    assert folders[0] == folders[-1] >= 3


def test_all_topics_sign_with_one_key() -> None:
    first, second = object.__new__(Subscription), object.__new__(Subscription)
    assert first.private_key() is second.private_key()


def test_keys_that_only_encrypt_share_what_they_do_not_use() -> None:
    def key(spec: str) -> Any:
        return Key(None, "ENCRYPT_DECRYPT", spec, "", "123456789012", "us-east-1")

    first, second, signing = key("SYMMETRIC_DEFAULT"), key("SYMMETRIC_DEFAULT"), key("RSA_2048")
    assert first.private_key is second.private_key
    assert first.private_key is not signing.private_key
    assert first.key_material != second.key_material


def test_a_class_made_again_by_a_cold_start_is_not_compiled_again() -> None:
    """Fails when `dataclasses` writes its methods in another way: then each cold start is slow."""

    def made() -> Any:
        return make_dataclass("Point", [("x", int), ("label", str)], frozen=True, slots=True)

    point = made()(1, "a")
    before = _compiled.cache_info()
    again = made()(1, "a")
    after = _compiled.cache_info()
    assert after.misses == before.misses
    assert after.hits > before.hits
    assert repr(point) == repr(again) == "Point(x=1, label='a')"
    assert point != again, "another class, as after every cold start"
