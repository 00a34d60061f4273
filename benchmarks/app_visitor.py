"""A visitor without a browser: speaks Streamlit's own protocol over its websocket, and keeps the time.

What is timed lies between sending a changed control and having received the new figure, and the end of that run: the
server's work, its serialisation and the way through the socket. A browser's drawing is not in it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect

PATIENCE = 120.0  # seconds that a run may take before it counts as lost
LARGEST = 64 * 2**20  # bytes a message


@dataclass
class Run:
    """Seconds until the page's first figure came (None: it has none) and until the run had ended."""

    figure: float | None
    end: float


class Visitor:
    """One session. `widgets` holds the last element of each keyed control that was sent."""

    def __init__(self, url: str) -> None:
        place = urlsplit(url)
        # the session token is empty: a new visitor
        self._socket: ClientConnection = connect(
            f"ws://{place.netloc}/_stcore/stream", origin=url, subprotocols=["streamlit"], max_size=LARGEST,
        )  # type: ignore[arg-type, list-item]  # fmt: skip
        self._url = url
        self._kept: dict[str, ForwardMsg] = {}
        self._states: dict[str, WidgetState] = {}
        self._page, self._query = "", ""
        self.widgets: dict[str, Any] = {}

    def close(self) -> None:
        self._socket.close()

    def open(self, page: str = "", query: str = "") -> Run:
        self._page, self._query, self._states = page, query, {}
        return self._rerun()

    def change(self, key: str, **value: Any) -> Run:
        """Set a control, as `slider("steps-control", double_array_value=[3])` would be sent by a browser."""
        state = WidgetState(id=self.widgets[key].id)
        for name, given in value.items():
            if isinstance(given, list):
                getattr(state, name).data.extend(given)
                getattr(state, name).SetInParent()
            else:
                setattr(state, name, given)
        self._states[state.id] = state
        return self._rerun()

    def _rerun(self) -> Run:
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.page_name = self._query, self._page
        asked.context_info.color_scheme, asked.context_info.url = "light", f"{self._url}/{self._page}"
        asked.widget_states.widgets.extend(self._states.values())
        asked.cached_message_hashes.extend(self._kept)
        begin = time.perf_counter()
        self._socket.send(message.SerializeToString())
        return self._until_the_end(begin)

    def _until_the_end(self, begin: float) -> Run:
        figure = None
        while True:
            message = self._received()
            if self._note(message) == "plotly_chart" and figure is None:
                figure = time.perf_counter() - begin
            # a run that was cut short is followed by the one that replaced it
            ended = message.WhichOneof("type") == "script_finished"
            if ended and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return Run(figure, time.perf_counter() - begin)

    def _received(self) -> ForwardMsg:
        """The next message; one that the server knows to be here already comes as its hash."""
        message = ForwardMsg.FromString(self._socket.recv(timeout=PATIENCE))  # type: ignore[arg-type]
        if message.WhichOneof("type") == "ref_hash":
            return self._kept[message.ref_hash]
        if message.WhichOneof("type") == "page_info_changed":  # the page writes what it shows into the address
            self._query = message.page_info_changed.query_string
        if message.metadata.cacheable:
            self._kept[message.hash] = message
        return message

    def _note(self, message: ForwardMsg) -> str:
        if message.WhichOneof("type") != "delta" or not message.delta.HasField("new_element"):
            return ""
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            raise RuntimeError(f"the page failed: {element.exception.message}")
        shown = getattr(element, kind)
        if identity := str(getattr(shown, "id", "")):
            self.widgets[identity.split("-", 2)[-1]] = shown
        return str(kind)
