/* toml/scalar.c - what a bare token means: boolean, integer, float, date or time.
 * Exact or refused: nothing is rounded, wrapped or guessed, except that floats are binary. */
#include "toml/lexer.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The token that is left. */
struct rest {
	const char *at, *end;
};

static bool rest_take(struct rest *rest, char c)
{
	if (rest->at == rest->end || *rest->at != c)
		return false;
	rest->at++;
	return true;
}

static unsigned digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10 : 99;
}

/* Digits with single underscores between them; passes them and gives their number, 0 when
 * malformed.  `out`, where given, receives the digits alone. */
static size_t rest_digits(struct rest *rest, unsigned base, char **out)
{
	size_t count = 0;

	for (;;) {
		if (rest->at == rest->end || digit_value(*rest->at) >= base)
			return 0;
		while (rest->at < rest->end && digit_value(*rest->at) < base) {
			*(*out)++ = *rest->at++;
			count++;
		}
		if (!rest_take(rest, '_'))
			return count;
	}
}

/* --- integers -------------------------------------------------------------------------- */

static const char *parse_integer(const char *digits, unsigned base, bool negative,
				 struct toml_value *value, const char **ret_code)
{
	int64_t sum = 0;

	for (; *digits; digits++) {
		int64_t digit = (int64_t)digit_value(*digits);

		if (__builtin_mul_overflow(sum, (int64_t)base, &sum) ||
		    __builtin_add_overflow(sum, negative ? -digit : digit, &sum)) {
			*ret_code = "C013";
			return "does not fit into 64 bits";
		}
	}
	value->type = TOML_INTEGER;
	value->integer = sum;
	return NULL;
}

static unsigned prefix_base(struct rest *rest)
{
	static const struct {
		char letter;
		unsigned char base;
	} bases[] = { { 'b', 2 }, { 'o', 8 }, { 'x', 16 } };

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++)
		if (rest->end - rest->at > 2 && rest->at[0] == '0' &&
		    rest->at[1] == bases[i].letter) {
			rest->at += 2;
			return bases[i].base;
		}
	return 10;
}

/* --- floats ---------------------------------------------------------------------------- */

static const char *parse_float(const char *digits, struct toml_value *value,
			       const char **ret_code)
{
	/* a decimal point, whatever the user speaks */
	locale_t c = newlocale(LC_ALL_MASK, "C", NULL);

	must(c != NULL);
	value->type = TOML_FLOAT;
	value->real = strtod_l(digits, NULL, c);
	freelocale(c);
	if (!isinf(value->real))
		return NULL;
	*ret_code = "C023";
	return "is too large for a 64-bit float";
}

static bool parse_special(const struct rest *rest, bool negative, struct toml_value *value)
{
	bool nan = memcmp(rest->at, "nan", 3) == 0;

	if (!nan && memcmp(rest->at, "inf", 3) != 0)
		return false;
	value->type = TOML_FLOAT;
	value->real = nan ? (double)NAN : (double)INFINITY;
	if (negative)
		value->real = -value->real;
	return true;
}

/* What may follow the whole part: a fraction, an exponent, both.  False when malformed. */
static bool take_float_tail(struct rest *rest, char **out)
{
	if (rest_take(rest, '.')) {
		*(*out)++ = '.';
		if (!rest_digits(rest, 10, out))
			return false;
	}
	if (rest_take(rest, 'e') || rest_take(rest, 'E')) {
		*(*out)++ = 'e';
		if (rest_take(rest, '-'))
			*(*out)++ = '-';
		else
			rest_take(rest, '+');
		if (!rest_digits(rest, 10, out))
			return false;
	}
	return rest->at == rest->end;
}

static const char *parse_number(struct arena *arena, struct rest rest, struct toml_value *value,
				const char **ret_code)
{
	char *digits = arena_alloc(arena, (size_t)(rest.end - rest.at) + 1), *out = digits;
	bool negative = rest_take(&rest, '-'), sign = negative || rest_take(&rest, '+');
	bool zero = rest.at < rest.end && *rest.at == '0';
	unsigned base;
	size_t count;

	*ret_code = "C012";
	if (rest.end - rest.at == 3 && parse_special(&rest, negative, value))
		return NULL;
	base = sign ? 10 : prefix_base(&rest);
	if (sign && negative)
		*out++ = '-';
	count = rest_digits(&rest, base, &out);
	if (!count)
		return "is not a value";
	if (base == 10 && zero && count > 1)
		return "begins with a zero";
	if (rest.at == rest.end)
		return parse_integer(digits + (sign && negative), base, negative, value,
				     ret_code);
	if (base != 10 || !take_float_tail(&rest, &out))
		return "is not a number";
	return parse_float(digits, value, ret_code);
}

/* --- dates ----------------------------------------------------------------------------- */

static bool take_fixed(struct rest *rest, unsigned digits, unsigned least, unsigned most,
		       unsigned *ret)
{
	*ret = 0;
	for (; digits; digits--) {
		if (rest->at == rest->end || digit_value(*rest->at) > 9)
			return false;
		*ret = *ret * 10 + digit_value(*rest->at++);
	}
	return *ret >= least && *ret <= most;
}

static bool take_date(struct rest *rest)
{
	static const unsigned char days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned year, month, day;

	if (!take_fixed(rest, 4, 0, 9999, &year) || !rest_take(rest, '-') ||
	    !take_fixed(rest, 2, 1, 12, &month) || !rest_take(rest, '-') ||
	    !take_fixed(rest, 2, 1, days[month - 1], &day))
		return false;
	return month != 2 || day < 29 ||
	       (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
}

static bool take_time(struct rest *rest)
{
	unsigned number;

	/* 60 for leap seconds, RFC 3339 */
	if (!take_fixed(rest, 2, 0, 23, &number) || !rest_take(rest, ':') ||
	    !take_fixed(rest, 2, 0, 59, &number) || !rest_take(rest, ':') ||
	    !take_fixed(rest, 2, 0, 60, &number))
		return false;
	if (!rest_take(rest, '.'))
		return true;
	if (!take_fixed(rest, 1, 0, 9, &number))
		return false;
	while (take_fixed(rest, 1, 0, 9, &number))
		;
	return true;
}

static bool take_offset(struct rest *rest)
{
	unsigned number;

	if (rest_take(rest, 'Z') || rest_take(rest, 'z'))
		return true;
	return (rest_take(rest, '+') || rest_take(rest, '-')) &&
	       take_fixed(rest, 2, 0, 23, &number) && rest_take(rest, ':') &&
	       take_fixed(rest, 2, 0, 59, &number);
}

/* The kind as in toml_value.datetime_kind, or -1. */
static int take_datetime(struct rest *rest, bool date)
{
	if (!date)
		return take_time(rest) && rest->at == rest->end ? 3 : -1;
	if (!take_date(rest))
		return -1;
	if (rest->at == rest->end)
		return 2;
	if (!rest_take(rest, 'T') && !rest_take(rest, 't') && !rest_take(rest, ' '))
		return -1;
	if (!take_time(rest))
		return -1;
	if (rest->at == rest->end)
		return 1;
	return take_offset(rest) && rest->at == rest->end ? 0 : -1;
}

static const char *parse_datetime(struct arena *arena, struct rest rest, bool date,
				  struct toml_value *value, const char **ret_code)
{
	size_t length = (size_t)(rest.end - rest.at);
	char *text = arena_strndup(arena, rest.at, length);

	value->datetime_kind = take_datetime(&rest, date);
	if (value->datetime_kind < 0) {
		value->datetime_kind = 0;
		*ret_code = "C014";
		return "is not a date or time";
	}
	if (date && length > 10)
		text[10] = 'T';
	if (text[length - 1] == 'z')
		text[length - 1] = 'Z';
	value->type = TOML_DATETIME;
	value->string = text;
	value->length = length;
	return NULL;
}

static bool is_digits(const char *text, size_t count)
{
	while (count && digit_value(text[count - 1]) < 10)
		count--;
	return !count;
}

const char *scalar_parse(struct arena *arena, const char *token, size_t length,
			 struct toml_value *value, const char **ret_code)
{
	struct rest rest = { token, token + length };

	value->length = 0;
	if ((length == 4 && memcmp(token, "true", 4) == 0) ||
	    (length == 5 && memcmp(token, "false", 5) == 0)) {
		value->type = TOML_BOOLEAN;
		value->boolean = *token == 't';
		return NULL;
	}
	if (length > 4 && is_digits(token, 4) && token[4] == '-')
		return parse_datetime(arena, rest, true, value, ret_code);
	if (length > 2 && is_digits(token, 2) && token[2] == ':')
		return parse_datetime(arena, rest, false, value, ret_code);
	return parse_number(arena, rest, value, ret_code);
}
