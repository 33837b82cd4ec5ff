// executors.cpp: what runs in a worker's slots, and how it ends.
// SPDX-License-Identifier: MIT
#include <algorithm>

#include "net/clock.hpp"
#include "sim/worker.hpp"
#include "sim/world.hpp"

namespace sluice::sim {

// Executors take from the head, each just before it starts, as net::ExecutorPool does.
void WorkerProcess::claim() {
  const Time now = world_.clock(life_.host);
  world_.set_clock(life_.host);
  while (running_.size() < world_.plan.slots && !queue_.empty() && !frozen_ &&
         now <= start_until_) {
    const core::TaskStart task = queue_.front();
    queue_.pop_front();
    ++claimed_;
    start(task);
  }
}

void WorkerProcess::start(core::TaskStart task) {
  const Time now = world_.clock(life_.host);
  const std::string who = host_name(world_.plan, life_.host);
  if (!in_session_) broken(who + " starts a task without a session");
  if (now > heard_ + fence_) broken(who + " starts a task, but has not heard for longer than F");
  Running run;
  run.log = task.log;
  run.seq = task.seq;
  run.attempt = task.attempt;
  run.token = token_of(task.payload).value_or(0);
  run.began = now;
  run.began_us = net::Clock::wall_us();
  if (now >= task.expires) {
    Finished& expired = finished_.emplace_back();
    expired.handle = task.handle;
    expired.end = core::RunEnd::expired;
    world_.wake(life_.host);
    return;
  }
  world_.truth.started(life_, task.log, task.seq, task.attempt, task.payload, task.key);
  started_.emplace_back(task.log, task.seq);
  running_[task.handle] = run;
  const TaskPlan& plan = world_.plan.tasks[run.token];
  if (world_.trace.wants_lines())
    world_.trace.line(world_.timeline.now(), who + " starts " + name_of(run.token) + " " +
                                                 name_of(run.log, run.seq) + " attempt " +
                                                 std::to_string(run.attempt));
  if (plan.conduct == Conduct::poison) {
    const Duration wait = world_.plan.heartbeat * 2;
    world_.later(life_, std::min<Duration>(plan.run, std::chrono::seconds(2)), [this, wait, who] {
      world_.event(who + " is killed by its task");
      world_.kill(life_.host, wait);
    });
    return;
  }
  const core::TaskHandle handle = task.handle;
  world_.later(life_, plan.run, [this, handle] { end(handle, false); });
}

void WorkerProcess::end(core::TaskHandle handle, bool cancelled) {
  const auto at = running_.find(handle);
  if (at == running_.end()) return;
  Finished done = ending(at->second);
  done.handle = handle;
  if (cancelled) {
    done.end = core::RunEnd::cancelled;
    done.result.clear();
    done.error = "it was told to stop";
  }
  done.started_us = at->second.began_us;
  done.run = std::max(world_.clock(life_.host) - at->second.began, Duration(0));
  if (done.end == core::RunEnd::ok)
    world_.truth.ended_ok(at->second.log, at->second.seq, at->second.attempt);
  else if (!cancelled)
    world_.truth.failed(at->second.log, at->second.seq);
  if (done.end != core::RunEnd::ok)
    world_.truth.stopped(life_, at->second.log, at->second.seq);
  running_.erase(at);
  finished_.push_back(std::move(done));
  world_.wake(life_.host);
  claim();
}

WorkerProcess::Finished WorkerProcess::ending(const Running& run) const {
  const TaskPlan& plan = world_.plan.tasks[run.token];
  Finished done;
  done.end = core::RunEnd::ok;
  done.result = result_of(world_.plan, run.token, run.attempt);
  const auto fails = [&](core::RunEnd end) {
    done.end = end;
    done.result.clear();
    done.error = "attempt " + std::to_string(run.attempt) + " went wrong";
  };
  const bool another = run.attempt <= plan.times;
  switch (plan.conduct) {
    case Conduct::succeed:
    case Conduct::poison:
    case Conduct::too_large:
    case Conduct::rejected: break;
    case Conduct::fail_first:
      if (another) fails(core::RunEnd::failed);
      break;
    case Conduct::retry:
      if (another) {
        fails(core::RunEnd::failed);
        done.retry_ms = 50 + 100 * run.attempt;
      }
      break;
    case Conduct::timeout:
      if (another) fails(core::RunEnd::timeout);
      break;
    case Conduct::fatal: fails(core::RunEnd::fatal); break;
    case Conduct::undecodable: fails(core::RunEnd::undecodable); break;
  }
  return done;
}

void WorkerProcess::retract(std::size_t count, std::vector<core::TaskHandle>& out) {
  for (; count > 0 && !queue_.empty(); --count) {
    out.push_back(queue_.front().handle);
    queue_.pop_front();
  }
}

}  // namespace sluice::sim
