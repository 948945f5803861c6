"""Trusted time: a time-stamping authority signs one hash for all chains (RFC 3161).

What is stamped is :func:`forecast.record.heads.message`, the heads of all chains; its SHA-256 is the
request's imprint. Beside the ledger stand, under ``stamps/``, the heads of every request as
``<imprint>.json``, and the authority's reply as ``<imprint>.tsr``. Nothing here uses the network.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.errors import LedgerError
from forecast.record import ledger
from forecast.record.heads import Kept, as_json, combined, message, read_heads

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

FOLDER = "stamps"
_SHA256_OID = "2.16.840.1.101.3.4.2.1"


def request(folder: Path) -> tuple[str, bytes]:
    """Ask for the time of the ledger as it stands; the heads asked about are kept.

    Parameters
    ----------
    folder : pathlib.Path
        Of the ledger.

    Returns
    -------
    tuple
        The imprint in hex, and the request to send to an authority, in DER.

    Raises
    ------
    LedgerError
        If the ledger is empty or does not verify, or the library is not installed.
    """
    client = _client()
    faults = [f"{v.chain}: {v.fault}" for v in ledger.verify(folder) if v.fault]
    heads = {} if faults else ledger.heads(folder)
    if faults or not heads:
        raise LedgerError(f"nothing to stamp in {folder}: {'; '.join(faults) or 'it is empty'}")
    name = combined(heads)
    asked = client.TimestampRequestBuilder().data(message(heads)).hash_algorithm(client.HashAlgorithm.SHA256)
    _keep(folder / FOLDER / f"{name}.json", (as_json(heads) + "\n").encode())
    return name, asked.nonce(nonce=False).cert_request(cert_request=True).build().as_bytes()


def attach(folder: Path, reply: Path) -> tuple[Path, str]:
    """Keep an authority's reply, if it is for heads that were asked about.

    Returns
    -------
    tuple
        Where it is kept, and the time it says. Who signed it is for :func:`check` to find out.

    Raises
    ------
    LedgerError
        If it cannot be read, was refused by the authority, or is for another hash.
    """
    text, response = _reply(reply)
    imprint = _imprint(response)
    stamp = folder / FOLDER / f"{imprint}.json"
    if not stamp.is_file():
        raise LedgerError(
            f"{reply}: is for another hash ({imprint[:16]}): no head of this ledger that was asked about; "
            "'forecast ledger stamp --request' asks about the present one"
        )
    kept = stamp.with_suffix(".tsr")
    if kept.exists() and kept.read_bytes() != text:
        raise LedgerError(f"{kept}: another reply is kept for this head: remove it to put {reply} in its place")
    _keep(kept, text)
    return kept, _time(response)


def stamped(folder: Path) -> list[Kept]:
    """Heads that were stamped: each must still be a line of its chain.

    Raises
    ------
    LedgerError
        If the heads of a reply are gone, or are others than those that the file is named for.
    """
    return [kept for _, kept in _stamps(folder)]


def check(folder: Path, root: Path) -> list[str]:
    """Check every reply that is kept, offline.

    Parameters
    ----------
    folder : pathlib.Path
        Of the ledger.
    root : pathlib.Path
        Certificates to trust, in PEM.

    Returns
    -------
    list of str
        For every stamp, in words: the time, and what was stamped.

    Raises
    ------
    LedgerError
        At the first reply that is not signed for these heads, by an authority for time stamps whose
        certificate a root vouches for and was valid at the time; if no reply is kept.
    """
    client, roots = _client(), _certificates(root)
    told = []
    for reply, kept in _stamps(folder):
        _, response = _reply(reply)
        builder = client.VerifierBuilder(roots=list(roots))
        try:
            builder.build().verify_message(response, message(kept.heads))
        except (client.VerificationError, ValueError) as error:
            raise LedgerError(f"{reply}: cannot be trusted with the roots in {root}: {_line(error)}") from None
        told.append(f"{_time(response)}: {len(kept.heads)} chains stood at {combined(kept.heads)[:16]}")
    if not told:
        raise LedgerError(f"no time stamp is kept in {folder / FOLDER}: 'forecast ledger stamp --request' asks for one")
    return told


def _stamps(folder: Path) -> Iterator[tuple[Path, Kept]]:
    for reply in sorted((folder / FOLDER).glob("*.tsr")):
        kept = read_heads(reply.with_suffix(".json"))
        if combined(kept.heads) != reply.stem:
            raise LedgerError(f"{kept.where}: its heads are not those that were stamped")
        yield reply, kept


def _reply(file: Path) -> tuple[bytes, TimeStampResponse]:
    client = _client()
    try:
        text = file.read_bytes()
    except OSError as error:
        raise LedgerError(f"cannot read {file}: {error.strerror or error}") from None
    try:
        response = client.decode_timestamp_response(text)
    except ValueError as error:
        raise LedgerError(f"{file}: is no reply of a time-stamping authority ({_line(error)})") from None
    if response.status != 0:
        raise LedgerError(f"{file}: the authority did not grant the request (status {response.status})")
    return text, response


def _imprint(response: TimeStampResponse) -> str:
    """What a reply is for: SHA-256 in hex; of another kind of hash, no name of a file here."""
    imprint = response.tst_info.message_imprint
    other = imprint.hash_algorithm.dotted_string != _SHA256_OID or len(imprint.message) != hashlib.sha256().digest_size
    return "other" if other else imprint.message.hex()


def _time(response: TimeStampResponse) -> str:
    return f"{response.tst_info.gen_time:%Y-%m-%d %H:%M:%S} UTC"


def _certificates(root: Path) -> list[Any]:
    import cryptography.x509

    try:
        return cryptography.x509.load_pem_x509_certificates(root.read_bytes())
    except OSError as error:
        raise LedgerError(f"cannot read {root}: {error.strerror or error}") from None
    except ValueError as error:
        raise LedgerError(f"{root}: is no certificate in PEM ({_line(error)})") from None


def _keep(file: Path, text: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.part")
        with part.open("wb") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    except OSError as error:
        raise LedgerError(f"cannot write {file}: {error.strerror or error}") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _client() -> Any:
    try:
        import rfc3161_client
    except ImportError:
        raise LedgerError(
            "time stamps need the package 'rfc3161-client': pip install 'forecast-release-lag[timestamp]'"
        ) from None
    return rfc3161_client
