# SPDX-License-Identifier: MIT
nobase_dist_pkgdata_DATA += \
	sql/accounts.sql \
	sql/grants.sql \
	sql/schema/0000_migrations.sql \
	sql/schema/0001_accounts.sql \
	sql/schema/0002_models.sql \
	sql/schema/0003_keys.sql \
	sql/schema/0004_usage.sql \
	sql/schema/0005_ledger.sql \
	sql/schema/0006_local_models.sql \
	sql/schema/0007_limits.sql \
	sql/schema/0008_tenancy.sql \
	sql/schema/0009_adjustments.sql \
	sql/schema/0010_closings.sql \
	sql/schema/0011_usage_api.sql \
	sql/schema/0012_budgets.sql \
	sql/schema/0013_notices.sql \
	sql/schema/0014_idempotency_members.sql \
	sql/schema/0015_summaries.sql \
	sql/schema/0017_records.sql \
	sql/schema/0018_low_balance.sql \
	sql/schema/0019_time_first.sql \
	sql/schema/0020_sign_in.sql \
	sql/schema/0021_lease_changes.sql \
	sql/schema/0022_lists.sql \
	sql/schema/0023_system.sql \
	sql/schema/0024_refusal_sums.sql \
	sql/schema/0025_callers.sql \
	sql/schema/0026_sums.sql \
	sql/schema/0027_sums_by_time.sql \
	sql/schema/0028_ranks.sql \
	sql/schema/0029_pentads.sql \
	sql/schema/0030_rank_filters.sql
