/* examples/why.c - PROFILE QUESTION [SHARE]: prints whether the profile allows it. */
#include <cuddy.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	static const char *const words[] = { "deny", "allow", "ask" };
	struct cuddy *cuddy;
	int verdict;

	if (argc < 3) {
		fprintf(stderr, "usage: %s PROFILE QUESTION [SHARE]\n", argv[0]);
		return 2;
	}
	cuddy = cuddy_load(argv[1], argc > 3 ? argv[3] : NULL);
	verdict = cuddy_decide(cuddy, argv[2]);
	fputs(cuddy_messages(cuddy), stderr);
	if (verdict != CUDDY_ERROR)
		puts(words[verdict]);
	cuddy_free(cuddy);
	return verdict == CUDDY_ERROR;
}
