// placement.cpp: idle sessions first, and each in turn.
// SPDX-License-Identifier: MIT
#include "core/placement.hpp"

#include "core/assert.hpp"

namespace sluice::core {

void Placement::join(std::uint32_t index) {
  WorkerSession& session = sessions_[index];
  const std::uint32_t fresh =
      free_groups_.empty() ? static_cast<std::uint32_t>(groups_.size()) : free_groups_.back();
  const auto [at, is_new] = group_by_types_.try_emplace(session.types, fresh);
  if (is_new) {
    if (free_groups_.empty())
      groups_.emplace_back();
    else
      free_groups_.pop_back();
    groups_[fresh] = Group{session.types, {}, {}, 0};
    for (const std::uint32_t type : session.types) {
      if (groups_by_type_.size() <= type) groups_by_type_.resize(type + 1);
      groups_by_type_[type].push_back(at->second);
    }
  }
  session.group = at->second;
  session.standing = Standing::closed;
  ++groups_[session.group].members;
  refresh(index);
}

void Placement::leave(std::uint32_t index) {
  unlink(index);
  WorkerSession& session = sessions_[index];
  session.standing = Standing::closed;
  Group& group = groups_[session.group];
  SLUICE_ASSERT(group.members > 0);
  if (--group.members > 0) return;
  for (const std::uint32_t type : group.types) std::erase(groups_by_type_[type], session.group);
  group_by_types_.erase(group.types);
  free_groups_.push_back(session.group);
}

void Placement::refresh(std::uint32_t index) {
  WorkerSession& session = sessions_[index];
  const Standing now = standing_of(session);
  if (now == session.standing) return;
  unlink(index);
  session.standing = now;
  append(index);
}

Standing Placement::standing_of(const WorkerSession& session) const {
  if (session.phase != SessionPhase::active || session.suspect || session.trial ||
      session.free_tasks() == 0 || session.free_bytes() == 0)
    return Standing::closed;
  return session.held.count < session.slots ? Standing::idle : Standing::open;
}

std::uint32_t Placement::choose(std::uint32_t type) const {
  std::uint32_t open = kNoSession;
  for (const std::uint32_t g : groups_of(type)) {
    if (groups_[g].idle.head != kNoSession) return groups_[g].idle.head;
    if (open == kNoSession) open = groups_[g].open.head;
  }
  return open;
}

void Placement::rotate(std::uint32_t index) {
  unlink(index);
  append(index);
}

std::uint32_t Placement::ready_count(std::uint32_t type) const {
  std::uint32_t count = 0;
  for (const std::uint32_t g : groups_of(type))
    count += groups_[g].idle.count + groups_[g].open.count;
  return count;
}

std::uint32_t Placement::serving_count(std::uint32_t type) const {
  std::uint32_t count = 0;
  for (const std::uint32_t g : groups_of(type)) count += groups_[g].members;
  return count;
}

const std::vector<std::uint32_t>& Placement::groups_of(std::uint32_t type) const {
  static const std::vector<std::uint32_t> kNobody;
  return type < groups_by_type_.size() ? groups_by_type_[type] : kNobody;
}

Placement::List* Placement::list_of(const WorkerSession& session) {
  Group& group = groups_[session.group];
  if (session.standing == Standing::idle) return &group.idle;
  return session.standing == Standing::open ? &group.open : nullptr;
}

void Placement::unlink(std::uint32_t index) {
  WorkerSession& session = sessions_[index];
  List* list = list_of(session);
  if (list == nullptr) return;
  (session.list_prev == kNoSession ? list->head : sessions_[session.list_prev].list_next) =
      session.list_next;
  (session.list_next == kNoSession ? list->tail : sessions_[session.list_next].list_prev) =
      session.list_prev;
  session.list_prev = session.list_next = kNoSession;
  --list->count;
}

void Placement::append(std::uint32_t index) {
  WorkerSession& session = sessions_[index];
  List* list = list_of(session);
  if (list == nullptr) return;
  session.list_prev = list->tail;
  session.list_next = kNoSession;
  (list->tail == kNoSession ? list->head : sessions_[list->tail].list_next) = index;
  list->tail = index;
  ++list->count;
}

}  // namespace sluice::core
