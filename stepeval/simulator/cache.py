"""The prompt cache: blocks of 256 tokens, found by prefix, the least recently used ones dropped."""

from collections import OrderedDict
from hashlib import blake2b

BLOCK_TOKENS = 256
_BLOCK_BYTES = BLOCK_TOKENS * 4  # four bytes count as a token here


class PromptCache:
    def __init__(self, blocks: int = 4096) -> None:
        self._blocks = blocks
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def read(self, prompt: bytes) -> int:
        """How many tokens at the prompt's start were there; all its whole blocks are now."""
        digest = blake2b(digest_size=16)
        hits, unbroken = 0, True
        for start in range(0, len(prompt) - _BLOCK_BYTES + 1, _BLOCK_BYTES):
            digest.update(prompt[start : start + _BLOCK_BYTES])
            block = digest.digest()  # of everything up to here: a block counts only in its place
            unbroken = unbroken and block in self._seen
            hits += unbroken
            self._seen[block] = None
            self._seen.move_to_end(block)
        while len(self._seen) > self._blocks:
            self._seen.popitem(last=False)
        return hits * BLOCK_TOKENS
