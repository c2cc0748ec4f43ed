"""The record: every table of the studio, in SQLAlchemy 2 typed style, a module a subject.

Relationships raise on lazy access, so each query says what it loads.
"""

from db.models.base import ONLY_ON, Base
from db.models.files import Blob
from db.models.jobs import SEARCH_TEXT_CHARS, Batch, Job, JobInput, JobNeed, JobOutput
from db.models.kept import Drawing, PageMemory, SavedFace, TrayFile
from db.models.people import ApiToken, AuditEntry, SignInFailure, ToolSwitch, User, UserSession
from db.models.queue import FairShare, Pulse, Worker

__all__ = [
    "ONLY_ON",
    "SEARCH_TEXT_CHARS",
    "ApiToken",
    "AuditEntry",
    "Base",
    "Batch",
    "Blob",
    "Drawing",
    "FairShare",
    "Job",
    "JobInput",
    "JobNeed",
    "JobOutput",
    "PageMemory",
    "Pulse",
    "SavedFace",
    "SignInFailure",
    "ToolSwitch",
    "TrayFile",
    "User",
    "UserSession",
    "Worker",
]
