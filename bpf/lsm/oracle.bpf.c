// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decision without a hook, for BPF_PROG_TEST_RUN: the very functions that the LSM programs call, on questions from a
 * map. And a filler of the ring, so that the reader of events can be tried on any kernel.
 */
#define KRSI_KSYMS /* see compat.bpf.h */
#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>
#include "enforce.bpf.h"
#include "text.bpf.h"

struct krsi_questions {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KRSI_QUESTIONS);
	__type(key, u32);
	__type(value, struct krsi_question);
} questions SEC(".maps");

struct asking {
	const void *image;
	struct krsi_question *question;
	u64 is_target; /* which of the paths is read */
};

static long read_byte(u32 index, struct asking *asking)
{
	struct image image = image_of(asking->image);
	struct krsi_question *question = asking->question;
	const char *path = asking->is_target ? question->target : question->path;

	question->state = step_straight(&image, question->state, 8 * (u64)(unsigned char)path[index & (KRSI_QUESTION_PATH - 1)]);
	return 0;
}

/* The name that a path of @len bytes is. */
static __always_inline struct name read_path(struct asking *asking, const char *path, u32 len, u32 owner)
{
	struct image image = image_of(asking->image);
	struct name name = { .state = STATE_UNRESOLVED, .owner = owner };

	if (!len)
		return name;
	asking->question->state = image.header->start;
	bpf_loop(len, read_byte, asking, 0);
	name.state = asking->question->state;
	name.is_folder = path[(len - 1) & (KRSI_QUESTION_PATH - 1)] == '/';
	return name;
}

static __always_inline struct decision answer_move(const struct policy *policy, struct asking *asking,
						   const struct name *name)
{
	struct krsi_question *question = asking->question;
	struct name target;

	asking->is_target = 1;
	target = read_path(asking, question->target, question->target_len, question->target_owner);
	return decide_move(policy, question->access, name, &target, question->exchange);
}

static __always_inline void answer(const void *image, struct krsi_question *question)
{
	struct policy policy = { .image = image_of(image), .number = question->domain };
	struct asking asking = { .image = image, .question = question };
	struct decision decision;
	struct name name;

	policy.domain = domain_of(&policy.image, question->domain);
	name = read_path(&asking, question->path, question->path_len, question->owner);
	if (question->has_target)
		decision = answer_move(&policy, &asking, &name);
	else
		decision = judge(&policy, weigh(record_in(&policy, name.state), name.owner), question->access);
	question->refused = decision.refused;
	question->killed = decision.killed;
	question->logged = decision.logged;
	question->launders = decision.launders;
	question->path_class = state_is_known(name.state) ? class_of_state(&policy.image, name.state) : 0;
	question->next = domain_after(&policy, name.state, question->uid);
}

static long answer_next(u32 index, struct asking *asking)
{
	struct krsi_question *question = bpf_map_lookup_elem(&questions, &index);

	if (!question)
		return 1;
	answer(asking->image, question);
	return 0;
}

/* Answer the first ctx[0] questions. */
SEC("syscall")
int krsi_ask(u32 *ctx)
{
	struct image image = image_in_force();
	struct asking asking = { .image = image.base };

	if (!image.base)
		return 1;
	return bpf_loop(ctx[0], answer_next, &asking, 0) != ctx[0];
}

/* Say in the first question where the caller's working folder is to the automaton, and how it is written. */
SEC("syscall")
int krsi_where(void *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	struct image image = image_in_force();
	const u32 first = 0;
	struct krsi_question *question = bpf_map_lookup_elem(&questions, &first);
	struct krsi_draft *draft = draft_take();
	kaddr mnt = kaddr_of(task->fs->pwd.mnt), dentry = kaddr_of(task->fs->pwd.dentry);
	u64 state;

	if (!image.base || !question || !draft)
		return 1;
	anchor_drop();
	state = resolve(image.base, mnt, dentry);
	question->path_class = state_is_known(state) ? class_of_state(&image, step_slash(&image, state)) : 0;
	question->owner = mount_is_idmapped(mnt) ? KRSI_OWNER_UNKNOWN : KRSI_OWNER_OTHER;
	draft->begin = 0;
	draft_path(draft, mnt, dentry, true);
	question->path_len = draft->len;
	bpf_probe_read_kernel(question->path, sizeof(question->path), draft->text);
	__sync_fetch_and_sub(&draft->lock, 1);
	return !state_is_known(state);
}

struct filling {
	u32 told;
};

static long fill_next(u32 index, struct filling *filling)
{
	struct usual_record *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
	u64 seq = __sync_fetch_and_add(&sequence, 1);

	if (!record)
		return 0;
	__builtin_memset(record, 0, sizeof(*record));
	record->event.kind = KRSI_KIND_DECISION;
	record->event.hook = KRSI_HOOK_FILE_OPEN;
	record->event.verdict = KRSI_VERDICT_DENY;
	record->event.reason = KRSI_REASON_RECORD;
	record->event.mode = KRSI_MODE_ENFORCE;
	record->event.access = record->event.refused = record->event.logged = KRSI_ACCESS_READ;
	record->event.errno = -EACCES;
	record->event.seq = seq;
	record->event.boottime_ns = bpf_ktime_get_boot_ns();
	record->event.tgid = record->event.tid = index + 1;
	record->event.domain = 1;
	record->event.path_len = 2;
	record->text[0] = '/';
	record->text[1] = 'x';
	bpf_ringbuf_submit(record, QUIETLY);
	filling->told++;
	return 0;
}

/* Put ctx[0] records into the ring; gives how many found room. */
SEC("syscall")
int krsi_fill(u32 *ctx)
{
	struct filling filling = {};

	bpf_loop(ctx[0], fill_next, &filling, 0);
	return filling.told;
}
