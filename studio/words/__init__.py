from studio.words.message import (
    N_,
    JsonMessage,
    Message,
    N_n,
    Value,
    msg,
    msgs,
    paragraph,
    verbatim,
)

__all__ = ["N_", "JsonMessage", "Message", "N_n", "Value", "msg", "msgs", "paragraph", "verbatim"]
