"""The class that runs manifests of kind ``sheet``; see the package's docstring."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any, ClassVar

from aggregator.sdk.contract import (
    BadRecord,
    Batch,
    ChannelError,
    CheckResult,
    ConfigInvalid,
    Context,
    Cursor,
    FetchedFile,
    Manifest,
    Permanent,
    PushCommand,
    PushResult,
    RawItem,
    Record,
    RemoteState,
    SchemaDrift,
    Transient,
)
from aggregator.sdk.levels import Implied
from aggregator.sdk.set_up import in_steps
from aggregator.sdk.sheet_drop.batches import AHEAD, batch_of, misshapen, opened, pages
from aggregator.sdk.sheet_drop.download import Download, compile_download
from aggregator.sdk.sheet_drop.drop import Progress, Stamp, candidates, fingerprint, settled, sha256_of
from aggregator.sdk.sheet_drop.mapping import Layout
from aggregator.sdk.sheet_drop.schema import CAPABILITIES, PUSH, SOURCE, checked, implied_settings

__all__ = ["SheetDrop"]


_STEPS = ("Khai báo cột", "Tệp", "Tiêu đề cột")
_HINT = "Kiểm tra quyền đọc thư mục và khai báo cột của kênh"


class SheetDrop:
    """A connector of tables. Holds its manifest alone; all else is settings, files and cursor."""

    SOURCE: ClassVar[Mapping[str, Any]] = SOURCE
    PUSH: ClassVar[Mapping[str, Any]] = PUSH

    @classmethod
    def implied(cls, source: Mapping[str, Any], push: Mapping[str, Any]) -> Implied:
        """Capabilities and settings that follow from the definition."""
        downloaded = {"conditional_get": "request" in source}
        return Implied({**CAPABILITIES, **downloaded}, implied_settings(source))

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self._given = checked(manifest.source, manifest.config_schema)
        self._download = compile_download(manifest) if "request" in manifest.source else None

    def _own(self, ctx: Context) -> Context:
        """The context with what the manifest says, and over it what the channel says."""
        merged = dict(self._given)
        for name, value in ctx.config.items():
            both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
            merged[name] = {**merged[name], **value} if both else value
        return replace(ctx, config=merged)

    # -- set-up ----------------------------------------------------------------------------------

    def check(self, ctx: Context) -> list[CheckResult]:
        """Is the mapping right, is the file there, does the newest one have the mapped headings?"""
        return in_steps(_STEPS, self._steps(self._own(ctx)), lambda error: error.hint or _HINT)

    def _steps(self, ctx: Context) -> Iterator[str]:
        layout = Layout.of(ctx.config, ctx.zone)
        yield f"{len(layout.columns)} cột"
        if self._download is not None:
            content = self._download.fetch(ctx, again=True).content or b""
            yield f"tải về được {len(content)} byte"
            _, headings = opened(io.BytesIO(content), self._download.name, ctx, layout)
            yield f"{len(headings)} cột trong tệp"
            return
        try:
            yield from self._file_steps(ctx, layout)
        except OSError as error:
            raise ConfigInvalid(
                f"the folder or file cannot be read: {error}", message_vi=f"Không đọc được tệp: {error}"
            ) from error

    def _file_steps(self, ctx: Context, layout: Layout) -> Iterator[str]:
        files = candidates(ctx.config)
        given = ctx.config.get("folder") or ctx.config.get("file")
        yield f"{len(files)} tệp" if given else "không có thư mục: tệp đến bằng lệnh motmoi import"
        for path in files[-1:]:
            with path.open("rb") as handle:
                _, headings = opened(handle, path.name, ctx, layout)
            yield f"{path.name}: {len(headings)} cột"

    # -- reading ---------------------------------------------------------------------------------

    def poll(self, ctx: Context, cursor: Cursor | None) -> Iterator[Batch]:
        """The rows of all new and changed files, oldest file first. Raises after the last good file."""
        ctx = self._own(ctx)
        layout = Layout.of(ctx.config, ctx.zone)
        progress = Progress(cursor, fingerprint(ctx.config, ctx.zone.key))
        if self._download is not None:
            yield from self._downloaded(ctx, layout, self._download, progress)
            return
        files = candidates(ctx.config)
        if not ctx.config.get("file"):
            progress.keep_only({path.name for path in files})
        failure: ChannelError | None = None
        for path in files:
            try:
                yield from self._file(ctx, layout, path, progress)
            except Transient:
                raise
            except ChannelError as error:
                ctx.log.warning("%s: %s", path.name, error)
                failure = failure or error
        # A file that was read and held nothing is told: that is another thing than no new file.
        listed = 0 if progress.opened else None
        yield Batch((), (), progress.cursor(), complete=failure is None, listed=listed)
        if failure is not None:
            raise failure

    def _downloaded(
        self, ctx: Context, layout: Layout, download: Download, progress: Progress
    ) -> Iterator[Batch]:
        found = download.fetch(ctx, again=not progress.read_to_end(download.name))
        if found.content is not None:
            handle, stamp = io.BytesIO(found.content), Stamp(len(found.content), 0)
            start = progress.start(download.name, stamp, sha256_of(handle), again=False)
            if start is not None:
                yield from self._batches(ctx, layout, handle, download.name, progress, start)
        found.remember(ctx)
        yield Batch((), (), progress.cursor(), complete=True)

    def _file(self, ctx: Context, layout: Layout, path: Path, progress: Progress) -> Iterator[Batch]:
        one_file = bool(ctx.config.get("file"))  # a person asked for it now: no waiting, no skipping
        name = path.name
        try:
            stamp = Stamp.of(path)
            wait = timedelta(seconds=0 if one_file else float(ctx.config.get("settle_s", 5)))
            if progress.is_done(name, stamp) and not one_file:
                return
            seen = progress.seen_before(name, stamp)
            if not settled(path, stamp, ctx.now(), wait, seen_before=seen):
                progress.wait(name, stamp)
                return
            with path.open("rb") as handle:
                start = progress.start(name, stamp, sha256_of(handle), again=one_file)
                if start is not None:
                    yield from self._batches(ctx, layout, handle, name, progress, start)
        except FileNotFoundError:
            return  # taken away between listing and opening; nothing was promised about it yet
        except PermissionError as error:
            raise ConfigInvalid(f"{name}: may not be read by the product", hint="check its rights") from error
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise Transient(f"{name}: changed or went away while it was read") from error

    def _batches(
        self, ctx: Context, layout: Layout, handle: IO[bytes], name: str, progress: Progress, start: int
    ) -> Iterator[Batch]:
        rows, headings = opened(handle, name, ctx, layout)
        read_row = layout.bind(headings, name, ctx.status_of)
        done = start
        for page in pages(islice(rows, start, None), int(ctx.config.get("batch_rows", 1000))):
            if ctx.now() > ctx.deadline:
                raise Transient(f"{name}: time is up at row {done}; the next poll goes on from there")
            done += len(page)
            progress.reached(name, done, done=False)
            yield batch_of(page, headings, read_row, name, ctx, progress.cursor())
        if not done and progress.had_rows(name):
            raise SchemaDrift(
                f"{name}: only headings are left of {progress.had_rows(name)} rows",
                hint="export it again; where it is empty rightly, take the file away",
                message_vi=f"{name}: trước có {progress.had_rows(name)} dòng, nay chỉ còn dòng tiêu đề",
            )
        progress.reached(name, done, done=True)

    def remap(self, ctx: Context, item: RawItem) -> Record:
        """Map one archived row again, under the settings of now."""
        ctx = self._own(ctx)
        file, _, position = item.ref.rpartition(" row ")
        number = int(position) if position.isdigit() else 0
        try:
            row = json.loads(item.content)
        except (ValueError, RecursionError) as error:
            raise BadRecord(f"{item.ref}: the archived row is not JSON", row=number) from error
        if not isinstance(row, dict) or not all(isinstance(cell, str) for cell in row.values()):
            raise misshapen(file, number, "its cells do not match the headings")
        layout = Layout.of(ctx.config, ctx.zone)
        return layout.bind(tuple(row), file, ctx.status_of)(list(row.values()), number, ctx.now() + AHEAD)

    def push(self, ctx: Context, command: PushCommand) -> PushResult:
        """Never: a file has nobody who listens."""
        raise Permanent(
            "a spreadsheet takes no replies",
            hint="answer the citizen by telephone or letter",
            message_vi="Bảng tính không nhận câu trả lời: hãy trả lời người dân qua điện thoại hoặc thư",
        )

    def lookup(self, ctx: Context, command: PushCommand) -> RemoteState | None:
        """Nothing: no reply was ever sent."""
        return None

    def fetch_attachment(self, ctx: Context, ref: str) -> FetchedFile:
        """Never: rows carry no files."""
        raise Permanent("a spreadsheet has no attachments")
