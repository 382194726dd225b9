// The peer of crates/btf/examples/read.rs: reads a BTF with libbpf and looks at every type, name and reference.
// Declares what it uses of libbpf itself, so that the library is enough and no headers are needed.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct btf;
struct type {
	uint32_t name, info, size_or_type;
};
extern struct btf *btf__parse_raw(const char *path);
extern void btf__free(struct btf *btf);
extern uint32_t btf__type_cnt(const struct btf *btf);
extern const struct type *btf__type_by_id(const struct btf *btf, uint32_t id);
extern const char *btf__name_by_offset(const struct btf *btf, uint32_t offset);

static const struct btf *btf;
static uint64_t types, names, references;

static void name(uint32_t offset)
{
	names += strlen(btf__name_by_offset(btf, offset));
}

static void reference(uint32_t id)
{
	references += id;
}

// Elements of `words` words each; which of them are a name and a reference, or -1.
static void elements(const uint32_t *at, uint32_t count, int words, int name_at, int reference_at)
{
	for (uint32_t i = 0; i < count; i++, at += words) {
		if (name_at >= 0)
			name(at[name_at]);
		if (reference_at >= 0)
			reference(at[reference_at]);
	}
}

static void look_at(const struct type *type)
{
	const uint32_t *rest = (const uint32_t *)(type + 1);
	uint32_t count = type->info & 0xffff;

	types++;
	name(type->name);
	switch (type->info >> 24 & 0x1f) {
	case 2: case 8: case 9: case 10: case 11: case 12: case 14: case 17: case 18: // one reference
		reference(type->size_or_type);
		break;
	case 3: // ARRAY
		reference(rest[0]);
		reference(rest[1]);
		break;
	case 4: case 5: // STRUCT, UNION
		elements(rest, count, 3, 0, 1);
		break;
	case 6: // ENUM
		elements(rest, count, 2, 0, -1);
		break;
	case 13: // FUNC_PROTO
		reference(type->size_or_type);
		elements(rest, count, 2, 0, 1);
		break;
	case 15: // DATASEC
		elements(rest, count, 3, -1, 0);
		break;
	case 19: // ENUM64
		elements(rest, count, 3, 0, -1);
		break;
	}
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : 1;

	for (int round = 0; round < rounds; round++) {
		struct btf *parsed = btf__parse_raw(argv[1]);

		if (!parsed) {
			fprintf(stderr, "%s cannot be read\n", argv[1]);
			return 1;
		}
		btf = parsed;
		for (uint32_t id = 1; id < btf__type_cnt(btf); id++)
			look_at(btf__type_by_id(btf, id));
		btf__free(parsed);
	}
	printf("%llu types, %llu bytes of names, references add up to %llu\n", (unsigned long long)types,
	       (unsigned long long)names, (unsigned long long)references);
	return 0;
}
