"""Who may see a channel, and who may steer it. None as the person is the command line on the machine."""

from __future__ import annotations

from aggregator.domain.people import Actor, Right
from aggregator.errors import NotAllowed, NotFound
from aggregator.storage import channel_queries
from aggregator.storage.channel_queries import ChannelRow
from aggregator.storage.db import Tx


def one_channel(tx: Tx, actor: Actor | None, slug: str) -> ChannelRow:
    """The channel; `NotFound` where it is missing or another ward's."""
    channel = channel_queries.by_slug(tx, slug)
    if channel is None or (actor is not None and not actor.sees(channel.ward_code)):
        raise NotFound(f"no channel {slug!r}", message_vi="Không có kênh này.")
    return channel


def may_look(actor: Actor | None) -> None:
    if actor is not None and not actor.may(Right.CHANNELS):
        raise NotAllowed("channels are not yours to see", message_vi="Bạn không có quyền xem kênh tiếp nhận.")


def may_operate(actor: Actor | None, ward: str) -> None:
    if actor is not None and not (actor.may(Right.OPERATE) and actor.sees(ward)):
        raise NotAllowed(
            "only an administrator may do this", message_vi="Chỉ quản trị viên mới được làm việc này."
        )
