// placement.hpp: which session gets the next tasks of a type.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "core/worker_session.hpp"

namespace sluice::core {

/// Sessions with credit, found in constant time however many there are.
///
/// Sessions that serve the same types form a group. Within a group those with an
/// idle slot come before those that would only queue the task, and each kind takes
/// turns, so that nobody is forgotten.
class Placement {
 public:
  explicit Placement(std::deque<WorkerSession>& sessions) : sessions_(sessions) {}

  /// Puts the session into the group of its types; a group lives as long as it has members.
  void join(std::uint32_t session);
  void leave(std::uint32_t session);
  /// To be called after anything that may change its standing: credit, leases, phase.
  void refresh(std::uint32_t session);

  /// Who should get the next task of `type`: kNoSession if nobody has credit.
  [[nodiscard]] std::uint32_t choose(std::uint32_t type) const;
  /// After it was given something: to the end of its list.
  void rotate(std::uint32_t session);
  /// Sessions with credit that serve `type`.
  [[nodiscard]] std::uint32_t ready_count(std::uint32_t type) const;
  /// Sessions that serve `type`, with or without credit.
  [[nodiscard]] std::uint32_t serving_count(std::uint32_t type) const;
  /// Different sets of types that sessions serve.
  [[nodiscard]] std::size_t group_count() const { return group_by_types_.size(); }

 private:
  struct List {
    std::uint32_t head = kNoSession, tail = kNoSession, count = 0;
  };
  struct Group {
    std::vector<std::uint32_t> types;
    List idle, open;
    std::uint32_t members = 0;
  };
  [[nodiscard]] Standing standing_of(const WorkerSession& session) const;
  List* list_of(const WorkerSession& session);
  void unlink(std::uint32_t session);
  void append(std::uint32_t session);
  [[nodiscard]] const std::vector<std::uint32_t>& groups_of(std::uint32_t type) const;

  std::deque<WorkerSession>& sessions_;
  std::vector<Group> groups_;
  std::vector<std::uint32_t> free_groups_;
  std::map<std::vector<std::uint32_t>, std::uint32_t> group_by_types_;
  std::vector<std::vector<std::uint32_t>> groups_by_type_;
};

}  // namespace sluice::core
