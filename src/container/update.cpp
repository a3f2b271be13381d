#include <unistd.h>

#include <algorithm>

#include "container/implementation_internal.h"
#include "container/runtime_plan.h"
#include "container/settings_check.h"
#include "network/manager.h"
#include "shim/limits.h"
#include "sys/cgroup.h"

namespace berth::container {
namespace {

template <typename T>
void take(T& to, const T& from) {
    if (from != T{}) to = from;
}

// Zero means "as before".
Resources merged(Resources now, const Resources& wanted) {
    take(now.memory, wanted.memory);
    take(now.memory_swap, wanted.memory_swap);
    take(now.memory_reservation, wanted.memory_reservation);
    take(now.memory_swappiness, wanted.memory_swappiness);
    take(now.nano_cpus, wanted.nano_cpus);
    take(now.cpu_shares, wanted.cpu_shares);
    take(now.cpu_period, wanted.cpu_period);
    take(now.cpu_quota, wanted.cpu_quota);
    take(now.cpu_rt_period, wanted.cpu_rt_period);
    take(now.cpu_rt_runtime, wanted.cpu_rt_runtime);
    take(now.cpuset_cpus, wanted.cpuset_cpus);
    take(now.cpuset_mems, wanted.cpuset_mems);
    take(now.pids_limit, wanted.pids_limit);
    take(now.blkio_weight, wanted.blkio_weight);
    take(now.blkio_weight_device, wanted.blkio_weight_device);
    take(now.blkio_read_bps, wanted.blkio_read_bps);
    take(now.blkio_write_bps, wanted.blkio_write_bps);
    take(now.blkio_read_iops, wanted.blkio_read_iops);
    take(now.blkio_write_iops, wanted.blkio_write_iops);
    return now;
}

}  // namespace

Result<std::vector<std::string>> Containers::update(std::string_view key,
                                                    const UpdateRequest& request) {
    const ContainerPtr container = TRY(implementation_->find(key));
    const std::lock_guard operation(container->operation);
    ContainerSpec spec = *container->spec();
    if (request.restart && request.restart->mode != RestartMode::No && spec.host.auto_remove) {
        return fail(
            ErrorCode::Conflict,
            "Restart policy cannot be updated because AutoRemove is enabled for the container");
    }
    spec.host.resources = merged(spec.host.resources, request.resources);
    const Resources& now = spec.host.resources;
    if (now.memory > 0 && now.memory_swap > 0 && now.memory_swap < now.memory) {
        return fail(ErrorCode::Conflict, "Cannot update container ", container->id,
                    ": Memory limit should be smaller than already set memoryswap limit, update "
                    "the memoryswap at the same time");
    }
    TRY(check_resources(now, static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN))));
    if (request.restart) spec.host.restart = *request.restart;
    const auto client = container->shim();
    if (client && is_alive(container->state().status)) {
        const bool changes_limits = !(request.resources == Resources{});
        if (changes_limits) {
            const sys::CgroupLayout layout = TRY(sys::cgroup_layout());
            const sys::Cgroup group =
                TRY(sys::Cgroup::open(layout, implementation_->cgroup_path(*container, spec)));
            TRY(shim::apply_limits(
                    group, plan_resources(now, implementation_->settings_.default_pids_limit))
                    .context("Cannot update container ", container->id));
        }
        if (request.restart) {
            TRY(client->ask(shim::Update{.restart = shim_restart(spec.host.restart)}));
        }
    }
    container->live.lock()->spec = std::make_shared<const ContainerSpec>(std::move(spec));
    TRY(implementation_->save_spec(*container));
    implementation_->emit(*container, "update");
    return std::vector<std::string>{};
}

Result<> Containers::connect_network(std::string_view key, const std::string& network,
                                     const EndpointSpec& endpoint) {
    const ContainerPtr container = TRY(implementation_->find(key));
    network::Manager& networks = implementation_->services_.networks;
    const network::Network found = TRY(networks.find(network));
    const std::lock_guard operation(container->operation);
    ContainerSpec spec = *container->spec();
    if (!has_own_network(spec)) {
        return fail(ErrorCode::PermissionDenied,
                    spec.host.network_mode == "host"
                        ? "cannot connect container to host network - container must be created in "
                          "host network mode"
                        : "container sharing network namespace with another container or host "
                          "cannot be connected to any other network");
    }
    if (!found.is_bridge())
        return fail(ErrorCode::PermissionDenied, "container cannot be connected to network ",
                    found.spec.name, " while it runs");
    if (spec.networks.contains(found.spec.name)) {
        return fail(ErrorCode::PermissionDenied, "endpoint with name ", container->name(),
                    " already exists in network ", found.spec.name);
    }
    if (spec.host.network_mode == "none") spec.host.network_mode = found.spec.name;
    spec.networks[found.spec.name] = endpoint;
    const auto client = container->shim();
    if (client && is_alive(container->state().status)) {
        std::vector<sys::Fd> fds;
        TRY(client->call<shim::State>(shim::Query{.want_netns = true}, {}, &fds));
        if (fds.size() != 2)
            return fail(ErrorCode::Internal, "the container's network namespace is not there");
        const auto others = networks.endpoints_of(container->id);
        const bool publishes = others.empty() && !found.spec.internal;
        const network::EndpointRequest request =
            TRY(implementation_->endpoint_request(*container, spec, found.spec.name, publishes));
        TRY(networks.connect(request, fds[0], fds[1]));
        TRY(implementation_->write_host_files(*container, spec,
                                              networks.endpoints_of(container->id)));
    }
    container->live.lock()->spec = std::make_shared<const ContainerSpec>(std::move(spec));
    implementation_->push_names(*container);
    return implementation_->save_spec(*container);
}

Result<> Containers::disconnect_network(std::string_view key, const std::string& network,
                                        bool force) {
    const ContainerPtr container = TRY(implementation_->find(key));
    network::Manager& networks = implementation_->services_.networks;
    const network::Network found = TRY(networks.find(network));
    const std::lock_guard operation(container->operation);
    ContainerSpec spec = *container->spec();
    if (!spec.networks.contains(found.spec.name)) {
        if (force) return {};
        return fail(ErrorCode::PermissionDenied, "container ", container->id,
                    " is not connected to network ", found.spec.name);
    }
    spec.networks.erase(found.spec.name);
    if (spec.host.network_mode == found.spec.name)
        spec.host.network_mode = spec.networks.empty() ? "none" : spec.networks.begin()->first;
    const auto client = container->shim();
    if (client && is_alive(container->state().status)) {
        std::vector<sys::Fd> fds;
        TRY(client->call<shim::State>(shim::Query{.want_netns = true}, {}, &fds));
        if (fds.size() != 2)
            return fail(ErrorCode::Internal, "the container's network namespace is not there");
        TRY(networks.disconnect(container->id, found.id, fds[1]));
        TRY(implementation_->write_host_files(*container, spec,
                                              networks.endpoints_of(container->id)));
    }
    container->live.lock()->spec = std::make_shared<const ContainerSpec>(std::move(spec));
    implementation_->push_names(*container);
    return implementation_->save_spec(*container);
}

}  // namespace berth::container
