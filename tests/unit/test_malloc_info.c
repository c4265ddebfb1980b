/* What glibc writes about its heap, read in any pieces; and what is no such text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../preload/malloc_info.h"

/*
 * As glibc 2.36 writes it, two arenas: fast bins say 17 to 32, other bins have a chunk's flags
 * in their sizes (1, and 4 outside the main arena).
 */
static const char text[] =
	"<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>\n"
	"  <size from=\"17\" to=\"32\" total=\"96\" count=\"3\"/>\n"
	"  <size from=\"113\" to=\"113\" total=\"226\" count=\"2\"/>\n"
	"  <size from=\"8193\" to=\"8657\" total=\"25203\" count=\"3\"/>\n"
	"  <unsorted from=\"33\" to=\"20017\" total=\"20083\" count=\"3\"/>\n"
	"</sizes>\n<total type=\"fast\" count=\"3\" size=\"96\"/>\n"
	"<total type=\"rest\" count=\"9\" size=\"53512\"/>\n</heap>\n"
	"<heap nr=\"1\">\n<sizes>\n"
	"  <size from=\"4117\" to=\"4117\" total=\"4117\" count=\"1\"/>\n"
	"</sizes>\n<aspace type=\"subheaps\" size=\"1\"/>\n</heap>\n"
	"<total type=\"mmap\" count=\"2\" size=\"66666666\"/>\n</malloc>\n";

static void assert_read(const struct malloc_info *info)
{
	assert_int_equal(info->arenas, 2);
	assert_int_equal(info->fast_bytes, 96);
	assert_int_equal(info->free_chunks, 2 + 3 + 3 + 1);
	assert_int_equal(info->free_bytes, 224 + 25200 + 20080 + 4112);
	/*
	 * 8,400 on the average less 4,128 each; of the three chunks of 32 to 20,016 bytes one
	 * can be of 20,016 and the others of 32; 4,112 is too small.
	 */
	assert_int_equal(info->whole_page_bytes, 3 * (8400 - 4128) + 20016 - 4128);
	assert_int_equal(info->sizes[6].chunks, 2);
	assert_int_equal(info->sizes[13].bytes, 25200);
	assert_int_equal(info->sizes[12].chunks, 3 + 1);
}

static void test_in_any_pieces(void **state)
{
	struct malloc_info info;

	(void)state;
	for (size_t piece = 1; piece <= sizeof(text); piece++) {
		malloc_info_init(&info);
		for (size_t at = 0; at < sizeof(text) - 1; at += piece) {
			size_t left = sizeof(text) - 1 - at;

			malloc_info_feed(&info, text + at, left < piece ? left : piece);
		}
		assert_read(&info);
	}
}

static void test_other_text_is_passed_over(void **state)
{
	static const char *const lines[] = {
		"<size from=\"1\" to=\"2\" total=\"3\"/>\n",
		"<size from=\"65\" to=\"65\" total=\"0\" count=\"0\"/>\n",
		"<size from=\"65\" to=\"33\" total=\"65\" count=\"1\"/>\n",
		"<size from=\"65\" to=\"65\" total=\"18446744073709551615\" count=\"1\"/>\n",
		"<size from=\"65\" to=\"6 total=\"65\" count=\"1\"/>\n",
		" total=\"\n",
		"\n\n",
	};
	struct malloc_info info;
	char longest[3 * MALLOC_INFO_LINE];

	(void)state;
	malloc_info_init(&info);
	memset(longest, 'x', sizeof(longest));
	malloc_info_feed(&info, longest, sizeof(longest));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		malloc_info_feed(&info, lines[i], strlen(lines[i]));
	assert_int_equal(info.arenas + info.free_chunks + info.free_bytes, 0);
	assert_int_equal(info.whole_page_bytes + info.fast_bytes, 0);
	malloc_info_feed(&info, text, sizeof(text) - 1);
	assert_read(&info);
}

static void test_the_top_goes_back_in_pages(void **state)
{
	(void)state;
	assert_int_equal(malloc_info_top_pages(0), 0);
	assert_int_equal(malloc_info_top_pages(4096 + 32), 0);
	assert_int_equal(malloc_info_top_pages(4096 + 33), 4096);
	assert_int_equal(malloc_info_top_pages(1000000), 999424);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_any_pieces),
		cmocka_unit_test(test_other_text_is_passed_over),
		cmocka_unit_test(test_the_top_goes_back_in_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
