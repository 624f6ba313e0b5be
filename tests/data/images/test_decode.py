"""Pixels as they are in the files, or refused: no image loses bits in silence."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from asymnas.core.errors import DataError
from asymnas.data.images import decode
from asymnas.data.images.decode import FRAMES, TRANSPARENT, read_image, read_images

H, W = 6, 5
GREY, RGB, PALETTE, LA, RGBA = 0, 2, 3, 4, 6  # colour types of a PNG


def noise(most, *shape):
    return np.random.default_rng(0).integers(0, most + 1, (H, W, *shape))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(values, colour, bits, *chunks):
    """A PNG of values `[h, w]` or `[h, w, c]` below 2**bits."""
    if bits < 8:
        weights = 2 ** (bits * np.arange(8 // bits)[::-1])
        padded = np.pad(values, ((0, 0), (0, -W % len(weights))))
        values = (padded.reshape(H, -1, len(weights)) * weights).sum(-1)
    lines = [b"\0" + line.astype(">u2" if bits == 16 else "u1").tobytes() for line in values]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", W, H, bits, colour, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"".join(lines)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + body + chunk(b"IEND", b"")


def tiff(values, kind=1, photometric=None):
    """A TIFF of the bytes of an array, of which `kind` says what they stand for."""
    channels = values.shape[2] if values.ndim == 3 else 1
    photometric = (2 if channels > 2 else 1) if photometric is None else photometric
    bits, data = 8 * values.dtype.itemsize, values.tobytes()
    long, short, ends = 4, 3, ">" if values.dtype.byteorder == ">" else "<"
    entries = [
        (256, long, 1, W), (257, long, 1, H), (258, short, channels, bits), (259, short, 1, 1),
        (262, short, 1, photometric), (273, long, 1, 512), (277, short, 1, channels),
        (278, long, 1, H), (279, long, 1, len(data)), (339, short, channels, kind),
    ]  # fmt: skip
    head, beyond = struct.pack(f"{ends}H", len(entries)), b""
    for tag, type_, count, value in entries:
        packed = struct.pack(ends + (str(count) + "H" if type_ == short else "I"),
                             *[value] * (count if type_ == short else 1))  # fmt: skip
        if len(packed) > 4:
            packed, beyond = struct.pack(f"{ends}I", 256 + len(beyond)), beyond + packed
        head += struct.pack(f"{ends}HHI", tag, type_, count) + packed.ljust(4, b"\0")
    start = (b"MM\0*" if ends == ">" else b"II*\0") + struct.pack(f"{ends}I", 8)
    return (start + head + bytes(4)).ljust(256, b"\0").ljust(256) + beyond.ljust(256, b"\0") + data


def pnm(magic, most, values):
    text = " ".join(map(str, values.ravel())).encode() if magic in b"P2P3" else None
    packed = values.astype(">u2" if most > 255 else "u1").tobytes()
    return b"%s\n%d %d\n%d\n" % (magic, W, H, most) + (packed if text is None else text + b"\n")


def saved(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def read(tmp_path, content, size=None):
    """Pixels `[h, w, c]` and remarks of an image; no warning is given."""
    (tmp_path / "a.png").write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pictures = read_image(tmp_path / "a.png", size)
    return np.moveaxis(pictures.pixels[0], 0, -1), pictures.remarks


COLOURS = np.random.default_rng(1).integers(0, 256, (16, 3))
GREYS = np.repeat(np.arange(0, 256, 17)[::-1], 3).reshape(16, 3)
colours, greys = (chunk(b"PLTE", p.astype("u1").tobytes()) for p in (COLOURS, GREYS))
byte, nibble = noise(255), noise(15)

#: Files, and the pixels that they hold.
READ = {
    "grey of 1 bit": (png(noise(1), GREY, 1), 255 * noise(1)),
    "grey of 2 bits": (png(noise(3), GREY, 2), 85 * noise(3)),
    "grey of 4 bits": (png(nibble, GREY, 4), 17 * nibble),
    "grey": (png(byte, GREY, 8), byte),
    "a mask of zeros and ones": (png(noise(1), GREY, 8), noise(1)),
    "grey and opaque": (
        png(noise(255, 2), LA, 8),
        np.dstack([noise(255, 2)[..., :1].repeat(3, 2), noise(255, 2)[..., 1:]]),
    ),
    "colour": (png(noise(255, 3), RGB, 8), noise(255, 3)),
    "colour and opacity": (png(noise(255, 4), RGBA, 8), noise(255, 4)),
    "a palette": (png(nibble, PALETTE, 4, colours), COLOURS[nibble]),
    "a palette of greys in another order": (png(nibble, PALETTE, 4, greys), GREYS[nibble, 0]),
    "a palette with opacities": (
        png(nibble, PALETTE, 4, colours, chunk(b"tRNS", bytes([0, 128]))),
        np.dstack([COLOURS[nibble], np.array([0, 128, *[255] * 14])[nibble]]),
    ),
    "TIFF": (tiff(byte.astype("u1")), byte),
    "TIFF in colour": (tiff(noise(255, 3).astype("u1")), noise(255, 3)),
    "TIFF whose zero is white": (tiff(byte.astype("u1"), photometric=0), 255 - byte),
    "TIFF of several strips": (
        saved(Image.fromarray(byte.astype("u1")), "TIFF", compression="tiff_lzw"),
        byte,
    ),
    "PGM": (pnm(b"P5", 255, byte), byte),
    "PGM in words": (pnm(b"P2", 255, byte), byte),
    "PGM up to 1": (pnm(b"P5", 1, noise(1)), 255 * noise(1)),
    "PGM up to 15": (pnm(b"P5", 15, nibble), 17 * nibble),
    "PGM up to 100": (pnm(b"P5", 100, noise(100)), (255 * noise(100) + 50) // 100),
    "PPM up to 15": (pnm(b"P6", 15, noise(15, 3)), 17 * noise(15, 3)),
    "BMP": (saved(Image.fromarray(noise(255, 3).astype("u1")), "BMP"), noise(255, 3)),
    "WebP": (
        saved(Image.fromarray(noise(255, 3).astype("u1")), "WEBP", lossless=True),
        noise(255, 3),
    ),
}


@pytest.mark.parametrize("case", READ)
def test_every_value_is_read(tmp_path, case):
    content, expected = READ[case]
    pixels, remarks = read(tmp_path, content)
    np.testing.assert_array_equal(pixels.squeeze(), expected)
    assert not remarks


deep = noise(65_535)
SIXTEEN = "pixels of 16 bits"

#: Files whose values do not fit into bytes, and what is said of them.
TOO_DEEP = {
    "colour": (png(noise(4_095, 3), RGB, 16), SIXTEEN),
    "colour and opacity": (png(noise(4_095, 4), RGBA, 16), SIXTEEN),
    "grey and opacity": (png(noise(4_095, 2), LA, 16), SIXTEEN),
    "TIFF in colour": (tiff(noise(65_535, 3).astype("<u2")), SIXTEEN),
    "TIFF of printing colours": (tiff(noise(65_535, 4).astype("<u2"), photometric=5), SIXTEEN),
    "TIFF of signed bytes": (tiff((byte - 128).astype("i1"), 2), "signed pixels of 8 bits"),
    "TIFF of signed numbers": (tiff((deep - 32_768).astype("<i2"), 2), "signed pixels of 16 bits"),
    "TIFF of reals": (tiff(deep.astype("<f4"), 3), "floating-point pixels of 32 bits"),
    "TIFF of great numbers": (tiff(deep.astype("<u4")), "pixels of 32 bits"),
    "PGM up to 4095": (pnm(b"P5", 4_095, noise(4_095)), SIXTEEN),
    "PPM up to 4095": (pnm(b"P6", 4_095, noise(4_095, 3)), SIXTEEN),
    "PPM up to 65535": (pnm(b"P6", 65_535, noise(65_535, 3)), SIXTEEN),
    "PPM in words": (pnm(b"P3", 4_095, noise(4_095, 3)), SIXTEEN),
}


#: Files of 16 bits that keep them.
DEEP = {
    "PNG": png(deep, GREY, 16),
    "TIFF": tiff(deep.astype("<u2")),
    "TIFF, big-endian": tiff(deep.astype(">u2")),
    "TIFF, packed": saved(Image.fromarray(deep.astype("u2")), "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("case", DEEP)
def test_greyscale_of_sixteen_bits_keeps_them(tmp_path, case):
    pixels, remarks = read(tmp_path, DEEP[case])
    assert pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels[..., 0], deep)
    assert not remarks
    resized, _ = read(tmp_path, DEEP[case], 3)
    assert (resized.shape, resized.dtype) == ((3, 3, 1), np.uint16)
    assert abs(resized.mean() - deep.mean()) < 9_000  # as bright


@pytest.mark.parametrize("case", TOO_DEEP)
def test_what_does_not_fit_into_bytes_is_refused(tmp_path, case):
    content, what = TOO_DEEP[case]
    with pytest.raises(DataError) as caught:
        read(tmp_path, content)
    assert str(caught.value) == (
        f"{tmp_path}/a.png has {what}, of which some would be lost: convert it to 8-bit greyscale "
        "or RGB, or save all images as one array for npz:FILE, which keeps them"
    )


def several(form):
    first, *others = [Image.fromarray(255 * (noise(255, 3) > n).astype("u1")) for n in (9, 90, 200)]
    return saved(
        first, form, save_all=True, append_images=others, **{"duration": 9, "lossless": True}
    )


REMARKED = {
    "GIF": (several("GIF"), FRAMES),
    "TIFF": (several("TIFF"), FRAMES),
    "WebP": (several("WEBP"), FRAMES),
    "PNG": (several("PNG"), FRAMES),
    "a transparent colour": (png(byte, GREY, 8, chunk(b"tRNS", b"\0\7")), TRANSPARENT),
    "a transparent RGB": (png(noise(255, 3), RGB, 8, chunk(b"tRNS", bytes(6))), TRANSPARENT),
}


@pytest.mark.parametrize("case", REMARKED)
def test_what_is_not_read_of_an_image_is_remarked(tmp_path, case):
    content, remark = REMARKED[case]
    pixels, remarks = read(tmp_path, content)
    assert remarks == {remark: 1}
    if remark == FRAMES:
        np.testing.assert_array_equal(pixels[..., :3], 255 * (noise(255, 3) > 9))


def test_a_photograph_with_a_preview_has_no_remark(tmp_path):
    image = Image.fromarray(noise(255, 3).astype("u1"))
    content = saved(image, "MPO", save_all=True, append_images=[image])
    assert read(tmp_path, content)[1] == {}


def test_a_picture_beyond_the_limit_for_strangers_files_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    monkeypatch.setattr(decode, "HUGE", 10)
    content = png(byte, GREY, 8)
    np.testing.assert_array_equal(read(tmp_path, content)[0][..., 0], byte)
    assert read(tmp_path, content, 3)[0].shape == (3, 3, 1)
    assert Image.MAX_IMAGE_PIXELS == 10


def test_the_limit_for_strangers_files_does_not_stand_in_a_tiff_s_way(tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)  # Pillow looks at it when it decodes one
    np.testing.assert_array_equal(read(tmp_path, tiff(byte.astype("u1")))[0][..., 0], byte)
    paths = [tmp_path / f"{i}.tif" for i in range(20)]
    for path in paths:
        path.write_bytes(tiff(byte.astype("u1")))
    assert sum(len(piece.pixels) for piece in read_images(paths, None)) == 20
    assert Image.MAX_IMAGE_PIXELS == 10


def png_of_size(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, RGB, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"")


def gif_of_size(width, height):
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return b"GIF89a" + screen + b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\2\x4c\1\0;"


def bmp_of_size(width, height):
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + header


def tiff_of_size(width, height):
    entries = [(256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1)]
    entries += [(278, height), (279, 100)]
    packed = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries)
    return b"II*\0" + struct.pack("<I", 108) + bytes(100) + struct.pack("<H", 9) + packed + bytes(4)


def animated_webp_of_size(width, height):
    one = Image.new("RGB", (9, 7))
    other = one.point(lambda value: 255)
    content = bytearray(saved(one, "WEBP", lossless=True, save_all=True, append_images=[other]))
    place = content.index(b"VP8X") + 12
    content[place : place + 6] = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(
        3, "little"
    )
    return bytes(content)


def ppm_of_size(width, height):
    return f"P6 {width} {height} 255\n".encode()


PIXELS = "at most 1,073,741,824 in all are read: make it smaller, or cut it into tiles"
SIDE = "at most 131,072 a side are read: make it smaller, or cut it into tiles"
MEMORY = "of memory but 1.0 GB are free: give a part of it, or a smaller one"
CANVASES = [
    (png_of_size(60_000, 50_000), "60,000 by 50,000 pixels", PIXELS),
    (png_of_size(2**31 - 1, 1), "2,147,483,647 by 1 pixels", PIXELS),
    (png_of_size(10**9, 1), "1,000,000,000 by 1 pixels", SIDE),
    (png_of_size(9, 131_073), "9 by 131,073 pixels", SIDE),
    (png_of_size(20_000, 20_000), "3.2 GB", MEMORY),
    (gif_of_size(65_535, 65_535), "65,535 by 65,535 pixels", PIXELS),
    (gif_of_size(32_000, 32_000), "8.2 GB", MEMORY),
    (bmp_of_size(10**9, 1), "1,000,000,000 by 1 pixels", SIDE),
    (bmp_of_size(2**31 - 1, 9), "2,147,483,647 by 9 pixels", PIXELS),
    (tiff_of_size(2**31, 2**31), "2,147,483,648 by 2,147,483,648 pixels", PIXELS),
    (tiff_of_size(1, 2**30), "1 by 1,073,741,824 pixels", SIDE),
    (animated_webp_of_size(12_648_455, 9), "12,648,455 by 9 pixels", SIDE),
    (animated_webp_of_size(65_536, 65_535), "65,536 by 65,535 pixels", PIXELS),
    (animated_webp_of_size(131_072, 8_192), "8.6 GB", MEMORY),
    (ppm_of_size(10**9, 1), "1,000,000,000 by 1 pixels", SIDE),
    (ppm_of_size(10**9, 10**9), "1,000,000,000 by 1,000,000,000 pixels", PIXELS),
]


@pytest.mark.parametrize(("content", "size", "limit"), CANVASES, ids=range(len(CANVASES)))
def test_a_canvas_beyond_the_limits_is_refused_before_it_is_decoded(
    content, size, limit, tmp_path, monkeypatch
):
    monkeypatch.setattr("asymnas.data.memory.free_memory", lambda: 10**9)
    with pytest.raises(DataError) as caught:
        read(tmp_path, content, 16)
    assert "a.png" in str(caught.value)
    assert size in str(caught.value)
    assert limit in str(caught.value)


def test_of_many_frames_one_is_read(tmp_path):
    frames = [Image.new("L", (5, 6), value % 200) for value in range(300)]
    for form in ("GIF", "TIFF", "PNG", "WEBP"):
        content = saved(frames[0], form, save_all=True, append_images=frames[1:])
        assert read(tmp_path, content)[1] == {FRAMES: 1}
    loop = bytearray(tiff(byte.astype("u1")))
    loop[8 + 2 + 12 * 10 : 8 + 2 + 12 * 10 + 4] = struct.pack("<I", 8)  # its next page is itself
    np.testing.assert_array_equal(read(tmp_path, bytes(loop))[0][..., 0], byte)


def test_a_drawing_in_a_language_that_runs_is_not_opened(tmp_path):
    content = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 5 6\n%%EndComments\nshowpage\n"
    with pytest.raises(DataError, match="of no format that is read"):
        read(tmp_path, content)
