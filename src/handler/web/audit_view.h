/* SPDX-License-Identifier: MIT */
/* An entry of the audit log in words. */
#ifndef TG_HANDLER_WEB_AUDIT_VIEW_H
#define TG_HANDLER_WEB_AUDIT_VIEW_H

#include "http/tval.h"
#include "store/audit.h"

/**
 * What the entry's detail says: `changes`, a list of {name, has_before,
 * before, has_after, after}, and how many. A change has both sides; what was
 * made has only `after`, of what it says; any other fact, too.
 * @detail  JSON, or p == NULL
 */
void audit_changes_add(struct tval *o, struct str detail);

#define AUDIT_CHANGES_KEYS(path)                                               \
 { path ".changes", TVAL_LIST }, { path ".changes.name", TVAL_TEXT },          \
     { path ".changes.has_before", TVAL_BOOL },                                \
     { path ".changes.before", TVAL_TEXT },                                    \
     { path ".changes.has_after", TVAL_BOOL },                                 \
     { path ".changes.after", TVAL_TEXT }, { path ".has_changes", TVAL_BOOL }, \
     { path ".has_many", TVAL_BOOL },                                          \
 {                                                                             \
  path ".n_changes", TVAL_TEXT                                                 \
 }

#endif
