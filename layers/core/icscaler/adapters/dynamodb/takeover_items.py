"""Scalable targets that were taken over, and what they are given back with."""

from icscaler.adapters import codec
from icscaler.adapters.dynamodb.table import TableItems
from icscaler.ports import PortError, Takeover

PARTITION = "takeover"


class TakeoverItems(TableItems):
    """Written before a target is suspended, removed after it was given back."""

    def remember_takeover(self, takeover: Takeover) -> None:
        """Keep it unless one is kept already: what was before the first time is what counts."""
        self._table.put(
            {"pk": PARTITION, "sk": takeover.model, "takeover": codec.encode(takeover)},
            "attribute_not_exists(pk)",
        )

    def takeovers(self) -> dict[str, Takeover]:
        """All that are in force, by model."""
        try:
            return {
                item["sk"]: codec.decode(item["takeover"], Takeover)
                for item in self._table.query(PARTITION)
            }
        except codec.CodecError as error:
            raise PortError(f"state table: takeovers: {error}") from error

    def forget_takeover(self, model: str) -> None:
        """It was given back; nothing to do when it was forgotten before."""
        self._table.write_all(deletes=[(PARTITION, model)])
