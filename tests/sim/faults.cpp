// faults.cpp: what goes wrong in a world, and for how long.
// SPDX-License-Identifier: MIT
#include <algorithm>

#include "sim/sink.hpp"
#include "sim/ventilator.hpp"
#include "sim/worker.hpp"
#include "sim/world.hpp"

namespace sluice::sim {

using namespace std::chrono_literals;

void World::part(Host a, Host b, bool both_ways, Duration span) {
  if (a == b) return;
  network.block(a, b, true);
  if (both_ways) network.block(b, a, true);
  timeline.after(span, [this, a, b, both_ways] {
    if (healed_) return;
    network.block(a, b, false);
    if (both_ways) network.block(b, a, false);
  });
}

void World::lose_power(Host host, Duration wait) {
  die(host, wait);
  forget_unsynced(host);
}

// What a machine knows when it has power again.
void World::forget_unsynced(Host host) {
  Machine& machine = machines_[host];
  machine.disk->lose_power();
  if (host >= plan.sink(0) && host < plan.worker(0))
    truth.on_disk(host, machine.disk->durable(kOutcomePath));
  if (machine.journal_disk) {
    machine.journal_disk->lose_power();
    machine.journal->may_have_lost();
  }
  const Duration begins = Time(1s) - clock(host);  // the clock of a machine counts from its start
  machine.offset += begins;
  machine.wall_ahead -= begins;
}

void World::set_full(Host host, bool full) {
  machines_[host].disk->set_full(full);
  if (machines_[host].journal_disk) machines_[host].journal_disk->set_full(full);
}

// What is under way is lost: of a fast lane that is hardly ever anything.
void World::cut_lane(const Fault& fault) {
  const Duration slow = std::chrono::milliseconds(10 * fault.amount);
  network.delay(fault.host, fault.other, SocketKind::pull, slow);
  timeline.after(slow, [this, fault] {
    network.delay(fault.host, fault.other, SocketKind::pull, Duration(0));
    network.cut(fault.host, fault.other, SocketKind::pull);
  });
}

void World::inject(const Fault& fault) {
  if (healed_) return;
  event("FAULT: " + describe(plan, fault));
  Machine& machine = machines_[fault.host];
  if (fault.kind == FaultKind::cut_lane) return cut_lane(fault);
  switch (fault.kind) {
    case FaultKind::crash: return die(fault.host, fault.lasts);
    case FaultKind::crash_at_send:
    case FaultKind::power_loss_at_send:
      machine.crash_in = fault.amount + 1;
      machine.crash_wait = fault.lasts;
      machine.crash_takes_power = fault.kind == FaultKind::power_loss_at_send;
      return;
    case FaultKind::crash_at_start:
      machine.doomed_starts = 1 + fault.amount % 3;
      return die(fault.host, fault.lasts);
    case FaultKind::power_loss: return lose_power(fault.host, fault.lasts);
    case FaultKind::pause: return pause(fault.host, fault.lasts);
    case FaultKind::partition: return part(fault.host, fault.other, true, fault.lasts);
    case FaultKind::one_way: return part(fault.host, fault.other, false, fault.lasts);
    case FaultKind::isolate:
      for (Host other = 0; other < machines_.size(); ++other)
        part(fault.host, other, true, fault.lasts);
      return;
    case FaultKind::slow: {
      const Duration most = std::chrono::milliseconds(fault.amount);
      network.set_latency(fault.host, fault.other, {most / 10, most});
      timeline.after(fault.lasts, [this, a = fault.host, b = fault.other] {
        network.set_latency(a, b, Network::Latency{});
      });
      return;
    }
    case FaultKind::cut: return network.cut(fault.host, fault.other, SocketKind::dealer);
    case FaultKind::cut_lane: return;
    case FaultKind::clock_jump:
      machine.offset += fault.lasts;
      return wake(fault.host);
    case FaultKind::disk_full:
      set_full(fault.host, true);
      timeline.after(fault.lasts, [this, host = fault.host] { set_full(host, false); });
      return;
    case FaultKind::fsync_fails:
      if (machine.journal_disk) machine.journal_disk->fail_next_sync();
      return machine.disk->fail_next_sync();
    case FaultKind::handler_later:
      handler_says_later = true;
      timeline.after(fault.lasts, [this] { handler_says_later = false; });
      return;
    case FaultKind::drain:
      if (auto* worker = dynamic_cast<WorkerProcess*>(machine.process.get());
          worker != nullptr && machine.paused == 0)
        worker->drain(static_cast<core::DrainMode>(fault.amount % 3),
                      fault.lasts > 5s ? std::optional(fault.lasts) : std::nullopt, fault.lasts);
      return;
    case FaultKind::end_ventilator:
      if (auto* ventilator = dynamic_cast<VentilatorProcess*>(machine.process.get());
          ventilator != nullptr)
        ventilator->end(fault.amount % 2 == 1, fault.lasts);
      return;
    case FaultKind::hide_departures:
      network.hide_departures(true);
      timeline.after(fault.lasts, [this] { network.hide_departures(false); });
      return;
  }
}

}  // namespace sluice::sim
