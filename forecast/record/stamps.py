"""Trusted time: a time-stamping authority signs one hash for all chains (RFC 3161).

What is stamped is :func:`forecast.record.heads.message`, the heads of all chains; its SHA-256 is the
request's imprint. Beside the ledger stand, under ``stamps/``, the heads of every request as
``<imprint>.json``, and the authority's reply as ``<imprint>.tsr``. Nothing here uses the network.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import suppress
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


def attach(folder: Path, reply: Path, root: Path | None = None) -> tuple[Path, str]:
    """Keep an authority's reply, if it is for heads that were asked about.

    Parameters
    ----------
    folder : pathlib.Path
        Of the ledger.
    reply : pathlib.Path
    root : pathlib.Path, optional
        Certificates to trust, in PEM: without them nobody knows who signed it until :func:`check`.

    Returns
    -------
    tuple
        Where it is kept, and the time it says.

    Raises
    ------
    LedgerError
        If it cannot be read, was refused by the authority, is for another hash, or is not to be
        trusted; if another one is kept that is not known to be worse.
    """
    text, response = _reply(reply)
    imprint = _imprint(response)
    stamp = folder / FOLDER / f"{imprint}.json"
    if not stamp.is_file():
        raise LedgerError(
            f"{reply}: is for another hash ({imprint[:16]}): no head of this ledger that was asked about; "
            "'forecast ledger stamp --request' asks about the present one"
        )
    kept, heads = stamp.with_suffix(".tsr"), _heads(stamp)
    roots = _certificates(root) if root else []
    if root:
        _check(reply, response, heads, roots, root)
    if kept.exists() and kept.read_bytes() != text and not (root and _is_bad(kept, heads, roots, root)):
        raise LedgerError(f"{kept}: another reply is kept for this head: remove it to put {reply} in its place")
    _keep(kept, text)
    return kept, _time(response)


def stamped(folder: Path) -> list[Kept]:
    """Heads that an authority was asked about: each must still be a line of its chain.

    Raises
    ------
    LedgerError
        If they are others than those that the file is named for, or a reply's heads are gone.
    """
    for reply in replies(folder):
        _heads(reply.with_suffix(".json"))
    return [_heads(file) for file in sorted((folder / FOLDER).glob("*.json"))]


def replies(folder: Path) -> list[Path]:
    """The replies that are kept beside a ledger."""
    return sorted((folder / FOLDER).glob("*.tsr"))


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
    told, roots = [], _certificates(root)
    for reply in replies(folder):
        _, response = _reply(reply)
        kept = _heads(reply.with_suffix(".json"))
        _check(reply, response, kept, roots, root)
        told.append(f"{_time(response)}: {len(kept.heads)} chains stood at {combined(kept.heads)[:16]}")
    if not told:
        raise LedgerError(f"no time stamp is kept in {folder / FOLDER}: 'forecast ledger stamp --request' asks for one")
    return told


def _heads(file: Path) -> Kept:
    kept = read_heads(file)
    if combined(kept.heads) != file.stem:
        raise LedgerError(f"{file}: its heads are not those that were stamped")
    return kept


def _check(reply: Path, response: TimeStampResponse, kept: Kept, roots: list[Any], root: Path) -> None:
    """Refuse a reply that no root vouches for."""
    client = _client()
    builder = client.VerifierBuilder(roots=roots)
    try:
        builder.build().verify_message(response, message(kept.heads))
    except (client.VerificationError, ValueError) as error:
        raise LedgerError(f"{reply}: cannot be trusted with the roots in {root}: {_reason(error)}") from None


def _is_bad(reply: Path, kept: Kept, roots: list[Any], root: Path) -> bool:
    try:
        _check(reply, _reply(reply)[1], kept, roots, root)
    except LedgerError:
        return True
    return False


def _reply(file: Path) -> tuple[bytes, TimeStampResponse]:
    client = _client()
    try:
        text = file.read_bytes()
    except OSError as error:
        raise LedgerError(f"cannot read {file}: {error.strerror or error}") from None
    try:
        response = _decoded(client, text)
        if response.status == 0:  # granted, and then it must say of what and when
            _imprint(response)
            _time(response)
    except ValueError as error:
        raise LedgerError(f"{file}: is no reply of a time-stamping authority ({_line(error)})") from None
    if response.status != 0:
        raise LedgerError(f"{file}: the authority did not grant the request (status {response.status})")
    return text, response


def _decoded(client: Any, text: bytes) -> Any:
    """Read a reply, its certificates in any order: OpenSSL does not sort them as DER asks, and nobody signs it."""
    try:
        return client.decode_timestamp_response(text)
    except ValueError:
        from pyasn1.codec.der import decoder, encoder
        from pyasn1.error import PyAsn1Error
        from pyasn1_modules import rfc3161, rfc5652

        try:
            reply, rest = decoder.decode(text, asn1Spec=rfc3161.TimeStampResp())
            if rest:
                raise
            token = reply["timeStampToken"]
            signed, _ = decoder.decode(token["content"], asn1Spec=rfc5652.SignedData())
            token["content"] = encoder.encode(signed)
            return client.decode_timestamp_response(encoder.encode(reply))
        except (PyAsn1Error, ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
            pass  # what it says of bytes that are no reply is not better
        raise


def _imprint(response: TimeStampResponse) -> str:
    """What a reply is for: SHA-256 in hex; of another kind of hash, no name of a file here."""
    imprint = response.tst_info.message_imprint
    other = imprint.hash_algorithm.dotted_string != _SHA256_OID or len(imprint.message) != hashlib.sha256().digest_size
    return "other" if other else imprint.message.hex()


def _time(response: TimeStampResponse) -> str:
    return f"{response.tst_info.gen_time:%Y-%m-%d %H:%M:%S} UTC"


def _certificates(root: Path) -> list[Any]:
    _client()  # or it says how to install it, and what it needs
    import cryptography.x509

    try:
        return cryptography.x509.load_pem_x509_certificates(root.read_bytes())
    except OSError as error:
        raise LedgerError(f"cannot read {root}: {error.strerror or error}") from None
    except ValueError as error:
        raise LedgerError(f"{root}: is no certificate in PEM ({_line(error)})") from None


def _keep(file: Path, text: bytes) -> None:
    part = file.with_name(f"{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise LedgerError(f"cannot write {file}: {error.strerror or error}") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _reason(error: Exception) -> str:
    """What an error says; of OpenSSL's, its words alone."""
    return "; ".join(dict.fromkeys(re.findall(r'(?:reason|data): "([^"]+)"', str(error)))) or _line(error)


def _client() -> Any:
    try:
        import rfc3161_client
    except ImportError:
        raise LedgerError(
            "time stamps need the package 'rfc3161-client': pip install 'forecast-release-lag[timestamp]'"
        ) from None
    return rfc3161_client
