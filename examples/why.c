/* examples/why.c - PROFILE QUESTION [SHARE]: prints whether the profile allows it, and why.
 * Build: cc why.c $(pkg-config --cflags --libs cuddy) */
#include <cuddy.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct cuddy_options options = { .size = sizeof(options) };
	struct cuddy *cuddy;
	const char *answer;

	if (argc < 3) {
		fprintf(stderr, "usage: %s PROFILE QUESTION [SHARE]\n", argv[0]);
		return 2;
	}
	options.profile = argv[1];
	options.share = argc > 3 ? argv[3] : NULL;
	cuddy = cuddy_load(&options);
	answer = cuddy_why(cuddy, argv[2], CUDDY_TEXT);
	fputs(cuddy_messages(cuddy), stderr);
	if (answer)
		fputs(answer, stdout);
	cuddy_free(cuddy);
	return !answer;
}
