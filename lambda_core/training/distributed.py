"""The processes of torchrun: which one this is, what they share, and that they agree.

Only the first process reads and writes the study's folder; the others are sent what it read, so no disk is shared.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, distributed, nn
from torch.distributed.rendezvous import rendezvous

from lambda_core.errors import ConfigError, LambdaError

# The others wait while the first pretrains; a process that died is seen at once, whatever the patience.
PATIENCE = timedelta(days=7)
Tensors = dict[str, Tensor]
Record = dict[str, Any]


def process() -> tuple[int, int]:
    """(rank, number of processes); (0, 1) outside torchrun."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def restarts() -> int:
    """How often torchrun (--max-restarts) has started its processes again, after one was lost; 0 outside torchrun."""
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))


def was_restarted() -> bool:
    """torchrun started this process again after one was lost: the training goes on."""
    return restarts() > 0


@contextmanager
def process_group(device: str = "cpu") -> Iterator[bool]:
    """Joins torchrun's processes, where it started this one; yields whether this is the first. All leave together.

    device: where it is cuda, each process takes the card of its LOCAL_RANK. Raises ConfigError where there is none.
    """
    if not distributed.is_torchelastic_launched():
        yield True
        return
    if device == "cuda":
        take_card(int(os.environ["LOCAL_RANK"]))
    _join("cpu:gloo,cuda:nccl" if device == "cuda" else "gloo")
    try:
        yield distributed.get_rank() == 0
        distributed.barrier()
    finally:
        distributed.destroy_process_group()


def _join(backend: str) -> None:
    """Enter the process group of this start: torchrun's store still holds the addresses of processes lost before."""
    store, rank, world = next(rendezvous("env://"))
    own = distributed.PrefixStore(f"start-{restarts()}", store)  # type: ignore[attr-defined]
    distributed.init_process_group(backend, store=own, rank=rank, world_size=world, timeout=PATIENCE)


def take_card(local_rank: int) -> None:
    """From now on `cuda` is the card of this number on this machine."""
    cards = torch.cuda.device_count()
    if local_rank >= cards:
        raise ConfigError(f"process {local_rank} of this machine finds {cards} cards; start one process a card")
    torch.cuda.set_device(local_rank)


def sum_over_processes(totals: Tensor, parameters: Sequence[nn.Parameter]) -> None:
    """Sum `totals` (float32, any shape) and the parameters' .grad over all processes, in place, in one exchange.

    A parameter that no process has a gradient of keeps None.
    """
    flags = torch.tensor([float(p.grad is not None) for p in parameters], device=totals.device)
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = torch.cat([totals.flatten(), flags, *(g.flatten() for g in gradients)])
    distributed.all_reduce(flat)
    sizes = [totals.numel(), len(parameters), *(p.numel() for p in parameters)]
    totals_sum, any_has, *sums = torch.split(flat, sizes)
    totals.copy_(totals_sum.view_as(totals))
    for parameter, total, has in zip(parameters, sums, any_has.tolist(), strict=True):
        parameter.grad = total.view_as(parameter).clone() if has else None


def share_of(tasks: range) -> range:
    """Those of `tasks` that are this process's."""
    rank, world = process()
    return tasks[rank::world]


def gathered(values: dict[int, float], count: int) -> list[float]:
    """Numbers 0 … count − 1 of which each process has its share, all of them in every process."""
    _, world = process()
    mine = torch.zeros(count, dtype=torch.float64)
    mine[list(values)] = torch.tensor(list(values.values()), dtype=torch.float64)
    if world > 1:
        distributed.all_reduce(mine)
    return [float(value) for value in mine]


def from_first(make: Callable[[], tuple[Record, Tensors] | None]) -> tuple[Record, Tensors] | None:
    """What make() gives in the first process, in all of them; a LambdaError that it raises is raised in all.

    make: a record fit for JSON and tensors, or None. It is called in the first process only.
    """
    rank, world = process()
    if world == 1:
        return make()
    error: LambdaError | None = None
    made = None
    if rank == 0:
        try:
            made = make()
        except LambdaError as raised:
            error = raised
    record, tensors = _sent({"error": str(error) if error else None, "made": made and made[0]}, made[1] if made else {})
    if error:
        raise error
    if record["error"]:
        raise ConfigError(record["error"])
    return None if record["made"] is None else (record["made"], tensors)


def _sent(record: Record, tensors: Tensors) -> tuple[Record, Tensors]:
    """Record and tensors of the first process, through one message of bytes. No pickle."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    message = safetensors.torch.save({**plain, "": torch.zeros(1)}, {"record": json.dumps(record)})
    size = torch.tensor([len(message)])
    distributed.broadcast(size, 0)
    rank, _ = process()
    buffer = torch.frombuffer(bytearray(message if rank == 0 else int(size)), dtype=torch.uint8)
    distributed.broadcast(buffer, 0)
    if rank == 0:
        return record, tensors
    content = buffer.numpy().tobytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    arrived = safetensors.torch.load(content)
    del arrived[""]
    return json.loads(header["__metadata__"]["record"]), arrived


def refuse_disagreement(facts: dict[str, str]) -> None:
    """Raises ConfigError, in every process, naming the first of `facts` that is not the same in all processes."""
    _, world = process()
    if world == 1:
        return
    mine = torch.from_numpy(np.stack([_digest(value) for value in facts.values()]))
    everyone = [torch.empty_like(mine) for _ in range(world)]
    distributed.all_gather(everyone, mine)
    for row, name in enumerate(facts):
        others = [rank for rank, digests in enumerate(everyone) if not torch.equal(digests[row], everyone[0][row])]
        if others:
            raise ConfigError(f"process {others[0]} has another {name} than process 0; all processes need the same one")


def _digest(text: str) -> np.ndarray:
    return np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype=np.uint8)


def digest_of(tensors: Tensors) -> str:
    """The same text for the same tensors."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
