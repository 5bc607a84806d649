"""Commands as a user starts them, and what a deployed controller is to them."""

from typing import Any

from typer.testing import CliRunner

from icscaler_cli.main import app

TABLE = "icscaler-state"
TEMPLATE = {
    "Resources": {
        "StateTable": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "TableName": TABLE,
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [
                    {"AttributeName": "pk", "AttributeType": "S"},
                    {"AttributeName": "sk", "AttributeType": "S"},
                ],
                "KeySchema": [
                    {"AttributeName": "pk", "KeyType": "HASH"},
                    {"AttributeName": "sk", "KeyType": "RANGE"},
                ],
            },
        }
    },
    "Outputs": {"StateTableName": {"Value": {"Ref": "StateTable"}}},
}


def run(*arguments: str, stdin: str | None = None) -> Any:
    """The command as a user starts it; an exception that gets out is a stack trace for them."""
    result: Any = CliRunner().invoke(app, list(arguments), input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result
