"""Tables for a terminal."""


def aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Return a line for each row; columns are as wide as they need to be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    return ["  ".join(row).rstrip() for row in padded]
