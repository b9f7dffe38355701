"""CSV files as nobody should write them: every row is read or rejected, or one error says what is wrong."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

HEAD = b"a,b\n"
GOOD = b"1,x\n2,y\n3,z\n4,w\n5,v\n6,u\n7,t\n8,s\n9,r\n10,q\n"
"""Ten rows, so that a bad one beside them is no reason to take the column for text."""

# What follows the ten good rows; how many rows of it are good, and how many are rejected.
CASES = {
    "nothing": (b"", 0, 0),
    "no newline at the end": (b"11,x", 1, 0),
    "a blank line": (b"\n11,x\n", 1, 0),
    "blank lines at the end": (b"11,x\n\n\n\n", 1, 0),
    "a line of blanks": (b"   \n11,x\n", 1, 1),
    "CRLF in the middle": (b"11,x\r\n12,y\r\n", 2, 0),
    "CR alone": (b"11,x\r12,y\r13,z", 3, 0),
    "CR CR LF": (b"11,x\r\r\n12,y\n", 2, 0),
    "LF CR": (b"11,x\n\r12,y\n", 2, 0),
    "CR at the very end": (b"11,x\r", 1, 0),
    "too few fields": (b"11\n12,y\n", 1, 1),
    "too many fields": (b"11,x,z\n12,y\n", 1, 1),
    "a delimiter at the end": (b"11,x,\n", 0, 1),
    "only delimiters": (b",\n,,,,\n", 1, 1),
    "another delimiter": (b"11;x\n12\ty\n", 0, 2),
    "the header again": (b"a,b\n11,x\n", 1, 1),
    "no whole number": (b"eleven,x\n", 0, 1),
    "a fraction": (b"11.5,x\n", 0, 1),
    "a whole fraction": (b"11.0,x\n12.,y\n", 2, 0),
    "2 to the 63": (b"9223372036854775808,x\n", 0, 1),
    "the largest integer": (b"9223372036854775807,x\n-9223372036854775808,y\n", 2, 0),
    "beyond the smallest integer": (b"-9223372036854775809,x\n", 0, 1),
    "a thousand digits": (b"1" * 1000 + b",x\n", 0, 1),
    "a plus sign": (b"+11,x\n", 1, 0),
    "two signs": (b"--11,x\n+-1,y\n", 0, 2),
    "blanks around": (b" 11 , x \n\t12,y\n", 2, 0),
    "thousands separators": (b'"11,000",x\n', 0, 1),
    "underscores": (b"11_000,x\n", 0, 1),
    "an exponent": (b"1e3,x\n", 0, 1),
    "NaN": (b"NaN,x\nnan,y\n", 2, 0),
    "infinity": (b"inf,x\n-Infinity,y\n", 0, 2),
    "missing": (b",x\nNA,y\nN/A,z\nnull,\nNULL,w\nNone,v\n", 6, 0),
    "quoted missing numbers": (b'"",x\n"NA",y\n', 2, 0),
    "other words for missing": (b"?,x\n-,y\n#N/A,z\nmissing,w\n", 0, 4),
    "full-width digits": ("\uff11\uff12,x\n".encode(), 0, 1),
    "Arabic digits": ("\u0661\u0662,x\n".encode(), 0, 1),
    "a no-break space": ("11\u00a0,x\n".encode(), 0, 1),
    "true": (b"true,x\n", 0, 1),
    "a date": (b"2013-01-01,x\n", 0, 1),
    "a formula": (b"=1+1,x\n", 0, 1),
    "Latin-1": (b"11,caf\xe9\n", 0, 1),
    "Windows-1252": (b"11,\x93hm\x94\n12,y\n", 1, 1),
    "half a character": (b"11,\xe2\x82\n12,y\n", 1, 1),
    "an overlong encoding": (b"11,\xc0\xaf\n", 0, 1),
    "a surrogate in UTF-8": (b"11,\xed\xa0\x80\n", 0, 1),
    "beyond Unicode": (b"11,\xf4\x90\x80\x80\n", 0, 1),
    "two encodings": ("11,café\n".encode() + b"12,caf\xe9\n", 1, 1),
    "not UTF-8 and too many fields": (b"11,\xff,z\n", 0, 1),
    "not UTF-8 within quotes": (b'11,"\xff"\n12,y\n', 1, 1),
    "files put together": (b"\xef\xbb\xbfa,b\n\xef\xbb\xbf11,x\n12,\xef\xbb\xbfy\n", 2, 1),
    "emoji": ("11,🚕\n".encode(), 1, 0),
    "a BOM in the middle": (b"\xef\xbb\xbf11,x\n", 1, 0),
    "a NUL in text": (b"11,x\x00y\n", 1, 0),
    "a NUL in a number": (b"1\x001,x\n", 0, 1),
    "a line of NUL": (b"\x00\x00\x00\n", 0, 1),
    "control characters": (b"11,\x01\x02\x1b[31m\n", 1, 0),
    "the end-of-file of DOS": (b"11,x\n\x1a", 1, 1),
    "a form feed": (b"11,x\x0c\n\x0c12,y\n", 1, 1),
    "a vertical tab": (b"\x0b11,x\n", 0, 1),
    "a line separator": ("11,x\u2028y\n".encode(), 1, 0),
    "a quote within a field": (b'11,5" pipe\n12,y\n', 2, 0),
    "two quotes within a field": (b'11,5" x 6"\n', 1, 0),
    "a quote that is not closed": (b'11,"x\n12,y\n', 1, 1),
    "a quote alone": (b'"\n11,x\n', 1, 1),
    "a quote at the very end": (b'11,x\n"', 1, 1),
    "three quotes": (b'11,"""\n12,y\n', 1, 1),
    "four quotes": (b'11,""""\n12,y\n', 2, 0),
    "text after a quote": (b'11,"x"y\n12,"x"y"z"\n', 2, 0),
    "a blank before a quote": (b'11, "x"\n', 1, 0),
    "single quotes": (b"11,'x,y'\n12,'z\n", 1, 1),
    "a backslash before a quote": (b'11,"x\\"\n12,"y\\""\n', 1, 1),
    "delimiters within quotes": (b'11,"x,y,,"\n12,",z"\n', 2, 0),
    "quoted newlines": (b'11,"x\ny"\n12,"x\r\n\r\ny"\n', 2, 0),
    "a quoted CR": (b'11,"x\ry"\n12,z\n', 2, 0),
    "a quoted newline alone": (b'11,"\n"\n12,"\n\n\n"\n', 2, 0),
    "quoted rows": (b'11,"1,x\n2,y\n3,z"\n', 1, 0),
    "quoted newlines and a bad number": (b'eleven,"x\ny"\n12,z\n', 1, 1),
    "quoted newlines, not UTF-8": (b'11,"\xff\ny"\n12,z\n', 1, 1),
    "quoted newlines and an open quote": (b'11,"x\ny"\n12,"z\n13,w\n', 2, 1),
    "an open quote that a later row closes": (b'11,"x\n12,y\n13,z"\n14,w\n', 2, 0),
    "an open quote that a later row closes in its middle": (b'11,"x\n12,y\n13,"z\n14,w\n', 2, 2),
    "a field of 100,000 characters": (b"11," + b"x" * 100_000 + b"\n12,y\n", 2, 0),
    "a quoted field of 1,000 lines": (b'11,"' + b"x\n" * 1000 + b'"\n12,y\n', 2, 0),
    "1,000 delimiters": (b"11" + b"," * 1000 + b"\n12,y\n", 1, 1),
    "1,000 bad rows": (b"bad\n" * 1000 + b"12,y\n", 1, 1000),
    "JSON": (b'{"a": 11}\n', 0, 1),
    "HTML": (b"<html><body>503</body></html>\n", 0, 1),
    "a comment": (b"# 11\n", 0, 1),
    "a total": (b"Total,55\n", 0, 1),
    "a conflict of git": (b"<<<<<<< HEAD\n11,x\n=======\n12,y\n>>>>>>> b\n", 2, 3),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_rows_are_rejected_and_good_ones_kept(name, tmp_path: Path, read, read_in_bits):
    text, good, rejected = CASES[name]
    path = tmp_path / "rows.csv"
    path.write_bytes(HEAD + GOOD + text)
    whole = read([path], types={"a": "integer", "b": "string"})
    assert (whole.table.num_rows, len(whole.rejected)) == (10 + good, rejected)
    # However it is divided, the same comes out.
    bits = read_in_bits([path], types={"a": "integer", "b": "string"})
    assert bits.table.equals(whole.table)
    assert bits.rejected == whole.rejected
    assert bits.bytes_done == whole.bytes_done == path.stat().st_size


@pytest.mark.parametrize("name", CASES)
def test_compression_makes_no_difference(name, tmp_path: Path, read, read_in_bits):
    text, good, rejected = CASES[name]
    path = tmp_path / "rows.csv.gz"
    path.write_bytes(gzip.compress(HEAD + GOOD) + gzip.compress(text))
    for reader in (read, read_in_bits):
        found = reader([path], types={"a": "integer", "b": "string"})
        assert (found.table.num_rows, len(found.rejected)) == (10 + good, rejected)
        assert found.bytes_done == path.stat().st_size
