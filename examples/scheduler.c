// A small scheduler, with a bit of everything that BTF has a kind for. It is compiled, never run: see make.sh.

typedef unsigned int u32;
typedef unsigned long long u64;

enum task_state { TASK_READY, TASK_RUNNING, TASK_DONE = 16 };

enum task_limit { TASK_LIMIT_NONE = 0, TASK_LIMIT_MOST = 0xffffffffffffffffULL };

struct list_head {
	struct list_head *next, *prev;
};

union task_id {
	u64 whole;
	struct {
		u32 group;
		u32 number;
	};
};

struct cpu_set;

struct task {
	struct list_head siblings;
	union task_id id;
	enum task_state state;
	u32 urgent : 1;
	u32 priority : 7;
	u32 : 8;
	u32 ticks : 16;
	char name[16];
	const struct cpu_set *allowed;
	int (*run)(struct task *self, void *restrict data);
	double load;
};

// The place for variables that each processor has its own copy of: the only variables that come into BTF by default.
__attribute__((section(".data..percpu"))) struct task *current_task;

volatile u64 switches;

int task_start(struct task *task, void *data)
{
	task->state = TASK_RUNNING;
	current_task = task;
	switches++;
	return task->run(task, data);
}

u64 task_allowance(const struct task *task, enum task_limit limit)
{
	return limit == TASK_LIMIT_MOST ? limit : limit * task->priority;
}

void task_log(const char *format, ...)
{
	(void)format;
}
