"""The contract in Polars, with what else mlmagic's statistics tell: of all columns, and 257 quantiles.

Run as `python polars_full_engine.py FORMAT ROWS_PER_SHARD OUTPUT FILE…`.
"""

import polars as pl
import polars_engine

FINE = [number / 256 for number in range(257)]
ALL = (*polars_engine.NUMERIC, "id", "pickup", "passengers")
asked = polars_engine.statistics


def statistics():
    told = asked()
    for name in ALL:
        values = pl.col(name).cast(pl.Float64) if name != "pickup" else pl.col(name).cast(pl.Int64).cast(pl.Float64)
        told += [
            pl.col(name).approx_n_unique().alias(f"{name} unique"),
            values.quantile(FINE).alias(f"{name} fine"),
            (values == 0).sum().alias(f"{name} zeros"),
            (values < 0).sum().alias(f"{name} negative"),
            values.is_infinite().sum().alias(f"{name} infinite"),
        ]
    for name in ("id", "pickup", "passengers"):
        values = pl.col(name).cast(pl.Int64).cast(pl.Float64)
        told += [values.mean().alias(f"{name} mean"), values.var().alias(f"{name} variance")]
        told += [values.min().alias(f"{name} minimum"), values.max().alias(f"{name} maximum")]
    for name in polars_engine.TEXT:
        lengths = pl.col(name).str.len_chars()
        told += [pl.col(name).approx_n_unique().alias(f"{name} unique"), lengths.mean().alias(f"{name} length")]
        told += [lengths.min().alias(f"{name} shortest"), lengths.max().alias(f"{name} longest")]
    return told


if __name__ == "__main__":
    polars_engine.statistics = statistics
    polars_engine.main()
