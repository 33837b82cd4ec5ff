// cluster.hpp: a whole system under virtual time, into which hostile peers talk.
// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <map>
#include <set>
#include <vector>

#include "core/collector_audit.hpp"
#include "core/dispatcher.hpp"
#include "core/dispatcher_audit.hpp"
#include "fuzz/honest.hpp"
#include "fuzz/hostile.hpp"

namespace sluice::fuzz {

/// One ventilator, one sink, two workers and a client, all of them honest, and six hostile peers.
///
/// The promise: whatever hostile peers say, short of lying about a task that they know by its
/// number, each task of the honest client gets exactly one outcome, no honest peer is told off,
/// and no limit is passed.
class Cluster : private HonestWorker::Network {
 public:
  explicit Cluster(Choices& choices);

  /// Something happens.
  void step();
  /// The hostile peers fall silent; what honest peers began comes to its end.
  void heal();

 private:
  struct Enemy {
    core::PeerId peer{};
    Hostile talk;
  };
  core::PeerId new_peer() override { return core::PeerId{++peers_}; }

  // the ventilator's side
  void ventilator_receives(core::PeerId from, Frame frame, bool honest);
  void ventilator_turn();
  void perform(core::DispatcherEffects& out);
  void to_peer(core::PeerId peer, const core::Envelope& envelope);
  void to_lane(core::Sid sid, const core::Envelope& envelope);
  // the sink's side
  void sink_receives(core::PeerId from, Frame frame, bool honest);
  void sink_turn();
  void take_from_sink(core::Collector::Effects& out);
  core::StoreAnswer store(const core::StoreEntry& entry);

  void round();
  void pass(core::Duration by);
  void deliver(Link& link, bool to_sink);
  void attack();
  void note_lies(const core::Envelope& said);
  void cut_something();
  void check_limits();
  [[nodiscard]] bool all_settled() const;
  [[nodiscard]] core::Time next_event() const;

  Choices& choices_;
  core::Time now_;
  bool healing_ = false;
  std::uint64_t peers_ = 100;
  core::Dispatcher ventilator_;
  core::DispatcherAudit audit_{ventilator_};
  core::Collector sink_;
  core::CollectorAudit sink_audit_{sink_};
  HonestStore store_;
  bool store_is_full_ = false;
  Link ventilator_to_sink_;
  std::deque<HonestWorker> workers_;
  HonestClient client_;
  std::deque<Enemy> enemies_, sink_enemies_;

  struct Lane {
    std::uint32_t port = 0;
    core::PeerId peer{};
    std::deque<Frame> frames;
  };
  std::map<core::Sid, Lane> lanes_;
  std::uint32_t ports_ = 20000;
  std::set<core::Seq> lied_about_;  ///< told to be settled by who should not know
};

}  // namespace sluice::fuzz
