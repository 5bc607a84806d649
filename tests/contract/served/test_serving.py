"""A served cloud from the outside: requests, the pace of time, faults, bugs, nonsense."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from queue import SimpleQueue
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.gateway import Gateway
from icscaler_localcloud.serving import Pace, Served


class Outside:
    """Somebody who knows the address only."""

    def __init__(self, served: Served) -> None:
        self.served = served

    def client(self, service: str, **config: Any) -> Any:
        """A client that speaks HTTP (boto3.client in this process would not), without retries."""
        session: Any = boto3.Session(botocore_session=botocore.session.Session())
        return session.client(
            service,
            region_name="us-east-1",
            endpoint_url=self.served.url,
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    def raw(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.served.url.removeprefix("http://"))
        connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        reply = connection.getresponse()
        content = reply.read()
        connection.close()
        return reply.status, content

    def steer(self, method: str, path: str, body: Any = None) -> Any:
        return json.loads(
            self.raw(method, f"/_icscaler/{path}", json.dumps(body or {}).encode())[1]
        )


@contextmanager
def serving(speed: float = 0.0) -> Iterator[Outside]:
    """A cloud that another thread owns and serves."""
    begun: SimpleQueue[Served] = SimpleQueue()

    def own() -> None:
        with LocalCloud() as cloud, Served(cloud, speed=speed) as served:
            begun.put(served)
            served.run()

    owner = threading.Thread(target=own)
    owner.start()
    served = begun.get(timeout=30)
    try:
        yield Outside(served)
    finally:
        served.stop()
        owner.join(timeout=30)
        assert not owner.is_alive()


@pytest.fixture
def outside() -> Iterator[Outside]:
    with serving() as opened:
        yield opened


def test_many_clients_at_once_are_all_answered(outside: Outside) -> None:
    sqs = outside.client("sqs", max_pool_connections=16)
    url = sqs.create_queue(QueueName="q")["QueueUrl"]

    def send(number: int) -> str:
        return str(sqs.send_message(QueueUrl=url, MessageBody=str(number))["MessageId"])

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(send, range(200)))) == 200
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["ApproximateNumberOfMessages"] == "200"


def test_time_stands_still_until_it_is_moved(outside: Outside) -> None:
    first_s = outside.steer("GET", "status")["virtual_time_s"]
    time.sleep(0.1)
    assert outside.steer("GET", "status")["virtual_time_s"] == first_s
    assert outside.steer("POST", "advance", {"seconds": 90})["virtual_time_s"] == first_s + 90


def test_time_passes_at_the_speed_asked_for() -> None:
    with serving(speed=1000) as outside:
        first_s, began_s = outside.steer("GET", "status")["virtual_time_s"], time.monotonic()
        time.sleep(0.3)
        passed_s = outside.steer("GET", "status")["virtual_time_s"] - first_s
        assert 290 <= passed_s <= 1000 * (time.monotonic() - began_s) + 10


def test_replies_tell_virtual_time(outside: Outside) -> None:
    outside.steer("POST", "advance", {"seconds": 7200})
    now_s = outside.steer("GET", "status")["virtual_time_s"]
    for service, call in (("sagemaker", "list_endpoints"), ("dynamodb", "list_tables")):
        found = getattr(outside.client(service), call)()["ResponseMetadata"]["HTTPHeaders"]["date"]
        assert abs(parsedate_to_datetime(found).timestamp() - now_s) <= 1


class RealTime:
    """A stopwatch that tests turn."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_the_pace_of_virtual_time() -> None:
    real = RealTime()
    pace = Pace(60, real)
    pace.restart(1000.0)
    assert (pace.target_s(), pace.wait_s(1015.0)) == (1000.0, 0.25)
    real.now_s += 2
    assert pace.target_s() == 1120.0
    assert pace.wait_s(1100.0) == 0  # overdue
    assert pace.wait_s(1e9) == pace.wait_s(None) == 0.5
    pace.restart(5000.0)
    assert pace.target_s() == 5000.0
    with pytest.raises(ValueError, match="speed"):
        Pace(-1)


def test_a_cloud_that_cannot_keep_up_answers_all_the_same() -> None:
    with serving(speed=1_000_000) as outside:
        outside.served.cloud.every(60, lambda: time.sleep(0.01))
        first_s = outside.steer("GET", "status")["virtual_time_s"]
        began_s = time.monotonic()
        last_s = outside.steer("GET", "status")["virtual_time_s"]
        assert time.monotonic() - began_s < 2
        assert first_s < last_s < first_s + 1_000_000


def test_faults_strike_over_http(outside: Outside) -> None:
    sagemaker = outside.client("sagemaker")
    outside.steer("POST", "faults", {"fault": "throttle", "service": "sagemaker"})
    with pytest.raises(ClientError, match="ThrottlingException"):
        sagemaker.list_endpoints()
    assert sagemaker.list_endpoints()["Endpoints"] == []
    outside.steer("POST", "faults", {"fault": "drop_reply", "service": "sagemaker", "times": 5})
    with pytest.raises(ConnectionClosedError):
        sagemaker.list_endpoints()
    outside.steer("DELETE", "faults")
    assert sagemaker.list_endpoints()["Endpoints"] == []


def test_every_fault_is_told_of_over_http(outside: Outside) -> None:
    outside.steer("POST", "faults", {"fault": "lose_deliveries", "given": ["scheduler"]})
    told = outside.steer("GET", "faults")
    assert told["on"] == [{"fault": "lose_deliveries", "lane": "scheduler", "hits": 0}]
    assert {"throttle", "skew_clock", "no_capacity"} <= {one["fault"] for one in told["switches"]}
    outside.steer("DELETE", "faults")
    assert outside.steer("GET", "faults")["on"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        pytest.param("GET", "dance", b"", 404, "no GET", id="path"),
        pytest.param("POST", "advance", b"{}", 400, "seconds is None", id="nothing"),
        pytest.param("POST", "advance", b'{"seconds": -1}', 400, "seconds is -1", id="negative"),
        pytest.param("POST", "advance", b'{"seconds": NaN}', 400, "seconds is nan", id="NaN"),
        pytest.param("POST", "advance", b"[", 400, "not JSON", id="syntax"),
        pytest.param("POST", "advance", b"[]", 400, "not a JSON object", id="list"),
        pytest.param("POST", "faults", b'{"fault": "clear"}', 400, "not one of", id="no fault"),
        pytest.param("POST", "faults", b'{"fault": "fail"}', 400, "service", id="no service"),
    ],
)
def test_senseless_steering_is_refused(
    outside: Outside, method: str, path: str, body: bytes, status: int, says: str
) -> None:
    told, answer = outside.raw(method, f"/_icscaler/{path}", body)
    assert told == status
    assert says in json.loads(answer)["error"]


def test_a_bug_is_an_internal_failure_and_the_cloud_goes_on(
    outside: Outside, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    sagemaker = outside.client("sagemaker")
    with monkeypatch.context() as patched:
        patched.setattr(Gateway, "handle", broken)
        with pytest.raises(ClientError, match=r"InternalFailure.*a bug"):
            sagemaker.list_endpoints()
    assert "ZeroDivisionError" in capfd.readouterr().err
    assert sagemaker.list_endpoints()["Endpoints"] == []


def test_requests_that_make_no_sense_harm_nobody(outside: Outside) -> None:
    assert outside.raw("POST", "/", b"x", Content_Length="many")[0] == 400
    assert outside.raw("POST", "/", b"zz\r\n", Transfer_Encoding="chunked")[0] == 400
    assert outside.raw("POST", "/nowhere/at/all", b"\xff\x00")[0] == 404
    with socket.create_connection(("127.0.0.1", int(outside.served.url.rpartition(":")[2]))) as s:
        s.sendall(b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\nhalf")
    assert outside.client("sagemaker").list_endpoints()["Endpoints"] == []


def test_chunked_bodies_and_head_requests(outside: Outside) -> None:
    s3 = outside.client("s3", s3={"addressing_style": "path"})
    s3.create_bucket(Bucket="bucket")
    s3.put_object(Bucket="bucket", Key="k", Body=b"12345")
    assert s3.head_object(Bucket="bucket", Key="k")["ContentLength"] == 5
    chunked = b"5\r\nhello\r\n6;note=x\r\n world\r\n0\r\nTrailer: t\r\n\r\n"
    assert outside.raw("PUT", "/bucket/chunked", chunked, Transfer_Encoding="chunked")[0] == 200
    assert s3.get_object(Bucket="bucket", Key="chunked")["Body"].read() == b"hello world"


def test_a_port_in_use_is_an_os_error() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        LocalCloud() as cloud,
        pytest.raises(OSError, match="in use"),
    ):
        Served(cloud, port=taken.getsockname()[1])
