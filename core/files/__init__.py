"""Files: photos that people send, encrypted per practice, cleaned by the worker, opened by those who may."""

from datetime import timedelta
from typing import Final

from core.files import keys, orphans, reencryption, rendering, uploads
from core.files.attachments import TYPES as ATTACHMENTS
from core.files.errors import (
    REASONS,
    BlobDamaged,
    FileMissing,
    FileRefused,
    FilesError,
    StoreUnavailable,
    refusal_text,
)
from core.files.models import DataKey, File, Rendition, Upload, UploadPart
from core.files.names import clean as clean_name
from core.files.names import disposition
from core.files.orphans import sweep_orphans
from core.files.rendering import PROCESSED, give_up, on_processed
from core.files.service import (
    MAX_FILE,
    RENDER,
    Staged,
    delete,
    discard,
    get,
    keep,
    name_of,
    open,
    receive,
    rendition,
    stage,
)
from core.jobs import Job

JOBS: Final[tuple[Job, ...]] = (
    Job(RENDER, rendering.render_picture),
    Job(PROCESSED, rendering.file_processed),
    Job(reencryption.REENCRYPT, reencryption.reencrypt),
    Job(reencryption.DROP, reencryption.drop),
    Job("core.sweep_uploads", uploads.sweep_expired, every=timedelta(hours=1), across_practices=True),
    Job("core.sweep_orphan_blobs", orphans.sweep, every=timedelta(days=1), across_practices=True),
)

__all__ = [
    "ATTACHMENTS",
    "JOBS",
    "MAX_FILE",
    "REASONS",
    "BlobDamaged",
    "DataKey",
    "File",
    "FileMissing",
    "FileRefused",
    "FilesError",
    "Rendition",
    "Staged",
    "StoreUnavailable",
    "Upload",
    "UploadPart",
    "clean_name",
    "delete",
    "discard",
    "disposition",
    "get",
    "give_up",
    "keep",
    "keys",
    "name_of",
    "on_processed",
    "open",
    "receive",
    "refusal_text",
    "rendition",
    "stage",
    "sweep_orphans",
    "uploads",
]
