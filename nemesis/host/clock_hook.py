"""The machine code of `clock_hook.S`, and where its parts lie. x86-64 only."""

from typing import Final

SLOTS_BYTES: Final = 112
"""Two clocks, each a word and two slots of three words."""

WALL: Final = 0
MONOTONIC: Final = 56
"""Where the clocks' slots lie."""

ENTRIES: Final = {
    "__vdso_clock_gettime": 0x70,
    "__vdso_gettimeofday": 0xD0,
    "__vdso_time": 0x130,
}
"""Where the functions lie that stand in for those of the vDSO."""

CODE: Final = bytes(SLOTS_BYTES) + bytes.fromhex(
    "b8e40000000f0585c0754f89f983f90b7748ba01000000d3e24c8d0570fffffff7c221080000750c4983c038"
    "f7c2d20000007426488b064869c000ca9a3b48034608e8a900000031d2b900ca9a3b48f7f148890648895608"
    "31c04898c30f1f00b8600000000f0585c075434885ff743e488b074869c040420f00480347084869c0e80300"
    "004c8d0504ffffffe85f00000031d2b9e803000048f7f131d2b940420f0048f7f14889074889570831c04898"
    "c366662e0f1f8400000000000f1f4000574883ec1031ff4889e6e831ffffff488b04244883c4105f4885ff74"
    "03488907c366662e0f1f8400000000000f1f40004d8b084f8d4c08084989c2492b410849f76910480facd020"
    "4903014c01d0790231c0c3"
)
