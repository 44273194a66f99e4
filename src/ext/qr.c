/* SPDX-License-Identifier: MIT */
#include "ext/qr.h"

#include <qrencode.h>

#include "base/buf.h"

#define TEXT_BYTES_MAX 1000
#define PATH_BYTES_MAX KIB(256)

/* A row's runs of dark modules: "M3 0h4v1h-4z" is four of them. */
static void
add_row(struct buf *b, const unsigned char *row, unsigned width, unsigned y)
{
	for (unsigned x = 0; x < width; x++) {
		unsigned from = x;

		while (x < width && row[x] & 1)
			x++;
		if (x > from)
			buf_addf(b, "M%u %uh%uv1h-%uz", from, y, x - from,
			    x - from);
	}
}

enum err
qr_path(struct str text, struct arena *a, struct str *ret, unsigned *ret_size,
    struct error *e)
{
	const char *cstr = arena_cstr(a, text);
	struct buf b;
	QRcode *code;

	if (!cstr || text.n > TEXT_BYTES_MAX)
		return error_set(e, ERR_BAD_PARAM, "text of a QR code");
	code = QRcode_encodeString8bit(cstr, 0, QR_ECLEVEL_M);
	if (!code)
		return error_set(e, ERR_NO_MEMORY, "libqrencode");
	buf_init(&b, a, PATH_BYTES_MAX);
	*ret_size = (unsigned)code->width;
	for (unsigned y = 0; y < *ret_size; y++)
		add_row(&b, code->data + y * *ret_size, *ret_size, y);
	QRcode_free(code);
	return buf_finish(&b, ret, e);
}
