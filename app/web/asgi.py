"""Entry point of the web process: ``uvicorn app.web.asgi:app``."""

from app.web.application import create_app
from tasks.services import get_services

app = create_app(get_services())
