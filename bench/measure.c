// SPDX-License-Identifier: GPL-2.0-only
/*
 * What operations cost, by the clock: in a guest whose clock counts instructions, in instructions.
 *
 *	measure [-m FILE] [-l PATH]... OPERATION PATH
 *
 * Prints the least that an operation took in any batch, clock and loop taken off. Ends with an error when one has
 * another outcome than that which it is the price of: `open` must succeed, `refused` must give EACCES, `missing` ENOENT. FILE is renamed before each `cold` open, which outdates what is remembered of names. With
 * -l it first confines itself with Landlock to what lies at and below these paths.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct operation {
	const char *name;
	void (*perform)(const char *path);
	void (*prepare)(void); /* before each batch, and not part of the price */
	int in_batch; /* few enough that most batches see no interrupt */
	int batches;
	int parts; /* of one performance, each an operation; 1 if it says nothing */
};

static char other_name[PATH_MAX]; /* for a rename of what is measured */
static const char *moved; /* file that is renamed before a `cold` open */
static char moved_to[PATH_MAX];

static void expect(bool fine, const char *what, const char *path)
{
	if (!fine)
		error(1, errno, "%s %s", what, path);
}

static void perform_open(const char *path)
{
	int fd = open(path, O_RDONLY);

	expect(fd >= 0, "open", path);
	close(fd);
}

static void perform_refused(const char *path)
{
	expect(open(path, O_RDONLY) < 0 && errno == EACCES, "not refused: open", path);
}

static void perform_missing(const char *path)
{
	expect(open(path, O_RDONLY) < 0 && errno == ENOENT, "not missing: open", path);
}

static void perform_stat(const char *path)
{
	struct stat status;

	expect(!stat(path, &status), "stat", path);
}

static void perform_create(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	expect(fd >= 0, "create", path);
	close(fd);
	expect(!unlink(path), "unlink", path);
}

static void perform_rename(const char *path)
{
	expect(!rename(path, other_name), "rename", path);
	expect(!rename(other_name, path), "rename", other_name);
}

static void await(pid_t pid, const char *what, const char *path)
{
	int status;

	expect(pid > 0 && waitpid(pid, &status, 0) == pid && !status, what, path);
}

static void perform_fork(const char *path)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	await(pid, "fork", path);
}

static void perform_exec(const char *path)
{
	char *const argv[] = { (char *)path, NULL }, *const envp[] = { NULL };
	pid_t pid = vfork();

	if (!pid) {
		execve(path, argv, envp);
		_exit(1);
	}
	await(pid, "exec", path);
}

static void perform_nothing(const char *path)
{
	__asm__ volatile("" : : "r"(path));
}

static void prepare_cold(void)
{
	expect(moved && !rename(moved, moved_to) && !rename(moved_to, moved), "rename", moved);
}

/* Whoever logs what is refused gets the time to do so. */
static void prepare_refused(void)
{
	nanosleep(&(struct timespec) { .tv_nsec = 10000000 }, NULL);
}

static const struct operation operations[] = {
	{ .name = "open", .perform = perform_open, .in_batch = 16, .batches = 200 },
	{ .name = "cold", .perform = perform_open, .prepare = prepare_cold, .in_batch = 1, .batches = 500 },
	{ .name = "refused", .perform = perform_refused, .prepare = prepare_refused, .in_batch = 16, .batches = 200 },
	{ .name = "missing", .perform = perform_missing, .in_batch = 16, .batches = 200 },
	{ .name = "stat", .perform = perform_stat, .in_batch = 16, .batches = 200 },
	{ .name = "create", .perform = perform_create, .in_batch = 8, .batches = 300 },
	{ .name = "rename", .perform = perform_rename, .in_batch = 8, .batches = 300, .parts = 2 },
	{ .name = "fork", .perform = perform_fork, .in_batch = 1, .batches = 1000 },
	{ .name = "exec", .perform = perform_exec, .in_batch = 1, .batches = 1000 },
};

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC_RAW, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

/* The least that a batch took; the batches before it warm the caches. */
static uint64_t least_ns(const struct operation *operation, const char *path)
{
	uint64_t least = UINT64_MAX, began, took;
	int batch, i;

	for (batch = 0; batch < operation->batches; batch++) {
		if (operation->prepare)
			operation->prepare();
		began = now_ns();
		for (i = 0; i < operation->in_batch; i++)
			operation->perform(path);
		took = now_ns() - began;
		least = took < least ? took : least;
	}
	return least;
}

static void measure(const struct operation *operation, const char *path)
{
	struct operation idle = *operation;
	double took;

	idle.perform = perform_nothing;
	snprintf(other_name, sizeof(other_name), "%s.new", path);
	took = least_ns(operation, path) - least_ns(&idle, path);
	printf("%.1f\n", took / operation->in_batch / (operation->parts ? operation->parts : 1));
}

static const struct operation *operation_called(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (!strcmp(operations[i].name, name))
			return &operations[i];
	error(2, 0, "there is no operation '%s'", name);
	return NULL;
}

enum {
	FILE_RIGHTS = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15, /* execute, write, read, truncate, ioctl */
};

/* All rights to files that this kernel knows; <linux/landlock.h> may be older. */
static uint64_t landlock_rights(void)
{
	static const int rights[] = { 0, 13, 14, 15, 15, 16 };
	int last = sizeof(rights) / sizeof(*rights) - 1;
	int abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	expect(abi > 0, "landlock", "");
	return (1ull << rights[abi < last ? abi : last]) - 1;
}

static void landlock_allow(int ruleset, uint64_t rights, const char *path)
{
	struct landlock_path_beneath_attr rule = { .parent_fd = open(path, O_PATH) };
	struct stat status;

	expect(rule.parent_fd >= 0 && !fstat(rule.parent_fd, &status), "open", path);
	rule.allowed_access = S_ISDIR(status.st_mode) ? rights : rights & FILE_RIGHTS;
	expect(!syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0), "landlock rule", path);
	close(rule.parent_fd);
}

static int landlock_ruleset(uint64_t rights)
{
	struct landlock_ruleset_attr handled = { .handled_access_fs = rights };
	int ruleset = syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);

	expect(ruleset >= 0, "landlock ruleset", "");
	return ruleset;
}

static void landlock_enter(int ruleset)
{
	expect(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs", "");
	expect(!syscall(SYS_landlock_restrict_self, ruleset, 0), "landlock", "");
	close(ruleset);
}

/* Do what the options say; gives the place of the first argument that is none. */
static int prepare(int argc, char **argv)
{
	int option, ruleset = -1;

	while ((option = getopt(argc, argv, "+m:l:")) != -1) {
		if (option == 'm') {
			moved = optarg;
			snprintf(moved_to, sizeof(moved_to), "%s.new", moved);
			continue;
		}
		expect(option == 'l', "options:", "-m FILE, -l PATH");
		if (ruleset < 0)
			ruleset = landlock_ruleset(landlock_rights());
		landlock_allow(ruleset, landlock_rights(), optarg);
	}
	if (ruleset >= 0)
		landlock_enter(ruleset);
	return optind;
}

static void stay_on_first_cpu(void)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	expect(!sched_setaffinity(0, sizeof(first), &first), "affinity", "");
}

int main(int argc, char **argv)
{
	int first;

	stay_on_first_cpu();
	first = prepare(argc, argv);
	if (argc - first != 2)
		error(2, 0, "say what to measure: OPERATION PATH");
	measure(operation_called(argv[first]), argv[first + 1]);
	return 0;
}
