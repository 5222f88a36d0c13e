"""Assemble the WebAssembly kernel of alexnet_lib/widgets/js/engine.js, and put it there.

    python tools/gemm_wasm.py            # writes it
    python tools/gemm_wasm.py --check    # says whether engine.js holds these bytes

The kernel is one function, gemm(a, b, c, rows, columns, depth, stride), which multiplies a matrix of
4 * rows by 8 * columns tiles of 4 x 8 values, each held in eight 128-bit registers:

    for each panel of 4 rows of a:                 a: [rows][depth][4]   floats
        for each panel of 8 columns of b:          b: [columns][depth][8]
            acc[4][8] = 0
            for k in depth: acc[r] += a[k][r] * b[k]
            c[4 * row + r][8 * column ...] = acc[r]    c: `stride` bytes from row to row

Addresses are bytes in the memory that the page gives to the module as env.memory.
"""

import argparse
import base64
import re
import sys
from pathlib import Path

ENGINE = Path(__file__).parent.parent / "alexnet_lib/widgets/js/engine.js"
LINE = re.compile(r'^const GEMM_WASM = "(.*)";$', re.MULTILINE)

I32, V128 = 0x7F, 0x7B
ROWS = 4
A, B, C, M, N, DEPTH, STRIDE = range(7)  # parameters
ROW, COLUMN, PA, PB, PC, END = range(7, 13)  # locals: i32
ACC, B0, B1, SPLAT = 13, 21, 22, 23  # locals: v128; the accumulators are ACC ... ACC + 7


def leb(value: int) -> bytes:
    """An unsigned integer as LEB128, 7 bits a byte."""
    out = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        out.append(low | (0x80 if value else 0))
        if not value:
            return bytes(out)


def get(local: int) -> bytes:
    return b"\x20" + leb(local)


def put(local: int) -> bytes:
    return b"\x21" + leb(local)


def const(value: int) -> bytes:
    return b"\x41" + leb(value)  # signed LEB128 as well, since values stay under 64


def simd(opcode: int, *rest: bytes) -> bytes:
    return b"\xfd" + leb(opcode) + b"".join(rest)


def at(offset: int) -> bytes:
    """Immediate of a load or store: no promise about alignment beyond 4 bytes, and an offset."""
    return leb(2) + leb(offset)


ADD, MUL, SHL = b"\x6a", b"\x6c", b"\x74"
LOAD, SPLAT_LOAD, STORE, ZEROS = 0x00, 0x09, 0x0B, 0x11  # v128.load, load32_splat, store, i32x4.splat
F32_ADD, F32_MUL = 0xE4, 0xE6


def loop(*body: bytes, while_below: tuple[int, int]) -> bytes:
    """Repeat while the first local is below the second; the body runs at least once."""
    first, second = while_below
    again = get(first) + get(second) + b"\x49" + b"\x0d\x00"  # i32.lt_u, br_if 0
    return b"\x03\x40" + b"".join(body) + again + b"\x0b"


def step(local: int, amount: bytes) -> bytes:
    return get(local) + amount + ADD + put(local)


def body() -> bytes:
    clear = b"".join(const(0) + simd(ZEROS) + put(ACC + one) for one in range(2 * ROWS))
    multiply = get(PB) + simd(LOAD, at(0)) + put(B0) + get(PB) + simd(LOAD, at(16)) + put(B1)
    for row in range(ROWS):
        multiply += get(PA) + simd(SPLAT_LOAD, at(4 * row)) + put(SPLAT)
        for half, panel in enumerate((B0, B1)):
            acc = ACC + 2 * row + half
            multiply += get(acc) + get(SPLAT) + get(panel) + simd(F32_MUL) + simd(F32_ADD) + put(acc)
    store = b""
    for row in range(ROWS):
        for half in range(2):
            store += get(PC) + get(ACC + 2 * row + half) + simd(STORE, at(16 * half))
        store += step(PC, get(STRIDE))
    tile = (
        clear
        + get(A) + put(PA)
        + get(PA) + get(DEPTH) + const(4) + SHL + ADD + put(END)  # a panel of a has depth * 16 bytes
        + loop(multiply, step(PA, const(16)), step(PB, const(32)), while_below=(PA, END))
        + get(C) + get(COLUMN) + const(5) + SHL + ADD + put(PC)
        + store
    )  # fmt: skip
    columns = const(0) + put(COLUMN) + get(B) + put(PB)
    columns += loop(tile, step(COLUMN, const(1)), while_below=(COLUMN, N))
    next_rows = get(END) + put(A) + get(C) + get(STRIDE) + const(2) + SHL + ADD + put(C)
    return const(0) + put(ROW) + loop(columns, next_rows, step(ROW, const(1)), while_below=(ROW, M))


def section(number: int, content: bytes) -> bytes:
    return bytes([number]) + leb(len(content)) + content


def text(word: str) -> bytes:
    return leb(len(word)) + word.encode()


def module() -> bytes:
    """The module's bytes."""
    kinds = leb(1) + b"\x60" + leb(7) + bytes([I32] * 7) + leb(0)
    imports = leb(1) + text("env") + text("memory") + b"\x02\x00" + leb(1)
    exports = leb(1) + text("gemm") + b"\x00" + leb(0)
    code = leb(2) + leb(6) + bytes([I32]) + leb(11) + bytes([V128]) + body() + b"\x0b"
    parts = {1: kinds, 2: imports, 3: leb(1) + leb(0), 7: exports, 10: leb(1) + leb(len(code)) + code}
    return b"\0asm\1\0\0\0" + b"".join(section(number, content) for number, content in parts.items())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    source, kernel = ENGINE.read_text("utf-8"), base64.b64encode(module()).decode("ascii")
    if arguments.check:
        sys.exit(
            0 if LINE.search(source)[1] == kernel else "engine.js holds another kernel: run this program"
        )
    ENGINE.write_text(LINE.sub(f'const GEMM_WASM = "{kernel}";', source), "utf-8")
    print(f"{ENGINE}: a kernel of {len(module())} bytes")


if __name__ == "__main__":
    main()
