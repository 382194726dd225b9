/** What goes into the BTF. The names are those of `pahole --btf_features`. */
export type Feature =
	| 'encode_force'
	| 'var'
	| 'float'
	| 'decl_tag'
	| 'type_tag'
	| 'enum64'
	| 'optimized_func'
	| 'consistent_func'
	| 'decl_tag_kfuncs'
	| 'reproducible_build'
	| 'distilled_base'
	| 'global_var'
	| 'attributes'
	| 'true_signature'
	| 'layout';
