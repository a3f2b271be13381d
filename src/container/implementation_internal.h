#pragma once
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "container/containers.h"
#include "container/id_blocks.h"
#include "container/serial_executor.h"
#include "container/users.h"
#include "network/network.h"
#include "oci/digest.h"
#include "oci/runtime_spec.h"
#include "record/event_log.h"
#include "shim/client.h"
#include "shim/protocol.h"
#include "snapshot/driver.h"
#include "sys/mount.h"

namespace berth::container {

/// A client that attached before the start.
struct PendingAttach {
    AttachOptions options;
    sys::Fd stream;
};

/// What changes of a container, under one lock that is never held across I/O.
struct Live {
    std::string name;
    std::shared_ptr<const ContainerSpec> spec;
    State state;
    std::shared_ptr<shim::Client> shim;  // null when nothing runs
    std::uint64_t exits = 0;             // ends without a restart, for wait's next-exit
    bool removed = false;
    std::vector<PendingAttach> pending_attaches;
    std::string host_ca_note;
};

/// One container. The members outside `live` never change after create.
struct Container {
    std::string id;
    Timestamp created_at{};
    std::string image_id, image_manifest_digest, platform;
    std::vector<oci::Digest> layers;
    std::vector<MountRequest> mounts;  // with the names of anonymous volumes
    std::string directory, run_directory;
    /// One verb at a time. Order: this before any lock of a store, never while holding `live`.
    std::mutex operation;
    Guarded<Live> live;

    std::shared_ptr<const ContainerSpec> spec() { return live.lock()->spec; }
    std::string name() { return live.lock()->name; }
    State state() { return live.lock()->state; }
    std::shared_ptr<shim::Client> shim() { return live.lock()->shim; }
    std::string log_path() const { return directory + "/" + id + "-json.log"; }
    std::string host_file(const char* name) const { return directory + "/" + name; }
};
using ContainerPtr = std::shared_ptr<Container>;

struct ExecRecord {
    ExecView view;
    Timestamp ended{};
};

struct RuntimeFacts;

/// The shim's words for a restart policy.
shim::RestartSettings shim_restart(const RestartPolicy& policy);
/// The shim's words for an attach.
shim::Attach attach_message(const AttachOptions& options);

class Containers::Implementation {
public:
    Implementation(const Services& services, Settings settings)
        : services_(services),
          settings_(std::move(settings)),
          id_blocks_(settings_.host_ids, settings_.root),
          executor_(4) {}
    ~Implementation();
    Result<> open();

    // Finding (find.cpp).
    Result<ContainerPtr> find(std::string_view key) const;
    std::vector<ContainerPtr> all() const;  // newest first

    // Rows (rows.cpp).
    Result<> load_rows();
    Result<> insert_row(Container& container, bool durable);
    Result<> save_state(Container& container);
    Result<> save_spec(Container& container);
    Result<> delete_row(Container& container);

    // Creating (create.cpp).
    Result<CreateResult> create(const std::string& name, ContainerSpec spec, std::stop_token stop);
    Result<std::vector<MountRequest>> mounts_of_other(const std::string& key);
    Result<> make_volumes(Container& container, const ContainerSpec& spec, std::stop_token stop);
    Result<> fill_volume(Container& container, const MountRequest& mount, sys::BorrowedFd root,
                         std::stop_token stop);
    Result<std::string> reserve_name(const std::string& wanted, const std::string& id);
    void release_name(const std::string& name);

    // User namespaces (user_ids.cpp).
    /// Unsupported, in words for the user, when the kernel or the file system of the data root do
    /// not map owners.
    Result<> check_owner_maps();
    /// Whether a container that asks for nothing gets one.
    bool has_default_user_namespace(const ContainerSpec& spec,
                                    const std::vector<MountRequest>& mounts);
    /// Enters the ranges of the containers that are, in the host's record.
    void claim_user_ranges();
    /// A range that no other call gets, until there is a container with it or this ends.
    class ReservedIds {
    public:
        ReservedIds(Implementation& owner, UserIds ids) : owner_(&owner), ids_(ids) {}
        ReservedIds(ReservedIds&& other) noexcept
            : owner_(std::exchange(other.owner_, nullptr)), ids_(other.ids_) {}
        ReservedIds& operator=(ReservedIds&&) = delete;
        ~ReservedIds() {
            if (owner_) owner_->user_ranges_.lock()->reserved.erase(ids_.first);
        }
        const UserIds& ids() const { return ids_; }

    private:
        Implementation* owner_;
        UserIds ids_;
    };
    Result<ReservedIds> choose_user_ids();
    std::set<std::uint32_t> user_ranges() const;
    /// The root of a container that does not run, with its ids as the container sees them.
    Result<sys::DetachedMount> mount_root_for_files(Container& container,
                                                    const ContainerSpec& spec);
    /// Its writable layer, likewise. The mount lives as long as the descriptor.
    Result<sys::Fd> open_upper(const Container& container, const ContainerSpec& spec) const;

    // Starting (start.cpp).
    Result<bool> start(Container& container, std::stop_token stop);
    Result<> start_locked(Container& container, std::stop_token stop);
    Result<sys::DetachedMount> mount_root(Container& container, const ContainerSpec& spec);
    Result<oci::RuntimeSpec> plan(Container& container, const ContainerSpec& spec,
                                  sys::BorrowedFd root);
    Result<std::vector<oci::RuntimeMount>> plan_container_mounts(Container& container,
                                                                 const ContainerSpec& spec,
                                                                 const ResolvedUser& user);
    /// Images that are mounted lie below the container's directory while it runs.
    std::string image_mount_path(const Container& container, std::size_t index) const;
    Result<oci::RuntimeMount> plan_image_mount(Container& container, const MountRequest& mount,
                                               std::size_t index);
    std::string shared_memory_path(const Container& container) const;
    Result<std::string> make_shared_memory(Container& container, const ContainerSpec& spec);
    void unmount_private(Container& container);
    Result<> add_host_ca(sys::BorrowedFd root, RuntimeFacts& facts) const;
    std::string cgroup_path(const Container& container, const ContainerSpec& spec) const;
    void end_cgroup(Container& container) const;
    Result<shim::LogSettings> log_settings(const Container& container, const ContainerSpec& spec,
                                           const std::string& name) const;
    /// Where its log is kept; empty when its driver keeps none.
    std::string log_file(const Container& container, const ContainerSpec& spec) const;
    Result<shim::Configure> shim_settings(Container& container, const ContainerSpec& spec,
                                          bool own_netns) const;
    Result<std::vector<network::Endpoint>> connect_networks(Container& container,
                                                            const ContainerSpec& spec,
                                                            sys::BorrowedFd netns,
                                                            sys::BorrowedFd netlink);
    Result<network::EndpointRequest> endpoint_request(Container& container,
                                                      const ContainerSpec& spec,
                                                      const std::string& network,
                                                      bool publishes) const;
    Result<> write_host_files(Container& container, const ContainerSpec& spec,
                              const std::vector<network::Endpoint>& endpoints);
    /// What its resolver is to know; nullopt without a network of its own.
    std::optional<shim::Names> names_for(Container& container) const;
    void push_names(Container& container);
    Result<std::vector<shim::Client::Pending<shim::Reply>>> hand_over_attaches(
        Container& container, shim::Client& client);

    // Ending (stop.cpp, remove.cpp).
    Result<bool> stop(Container& container, std::optional<int> timeout, const std::string& signal,
                      std::stop_token stop);
    Result<> kill(Container& container, const std::string& signal);
    /// Kills it if it runs, and waits for its end.
    Result<> end_by_force(const ContainerPtr& container, const std::stop_token& stop);
    Result<> remove(const ContainerPtr& container, const RemoveOptions& options,
                    std::stop_token stop);
    Result<> remove_locked(const ContainerPtr& container, bool volumes);
    std::string grave_of(const Container& container) const;
    void complete_removals();

    // Events of shims (events.cpp).
    void on_shim_message(const std::string& id, const shim::Message* message);
    void on_exited(const ContainerPtr& container, const shim::Exited& exited);
    void on_restarting(const ContainerPtr& container, const shim::Restarting& restarting);
    void on_health(const ContainerPtr& container, const shim::Health& health);
    void on_exec_exited(const ContainerPtr& container, const shim::ExecExited& exited);
    void on_shim_gone(const ContainerPtr& container);
    void finish_exit(const ContainerPtr& container, const shim::Exited& exited);
    void emit(Container& container, const std::string& action,
              std::vector<std::pair<std::string, std::string>> extra = {});

    // After a restart of the engine (reconcile.cpp).
    Result<> reconcile();
    void adopt(const ContainerPtr& container);
    void sweep_directories();
    void start_by_policy();

    // Looking (inspect.cpp).
    ContainerView view(Container& container) const;

    // Files (archive.cpp).
    /// A root in which a path of the container can be looked up: its process's while it runs, else
    /// one mounted for the occasion, or the volume that the path lies on.
    struct RootAccess {
        std::string path;  // within `root`
        sys::Fd root;
        sys::DetachedMount mount;
        bool read_only = false;
        std::uint32_t id_shift = 0;         // where the container's ids begin in what `root` shows
        std::unique_lock<std::mutex> lock;  // held while a stopped container's root is mounted
    };
    Result<RootAccess> access_root(Container& container, const std::string& path);
    /// What a bind or a volume shows on the host, the part of it that is mounted.
    Result<sys::Fd> open_mount_source(const MountRequest& mount, int flags) const;
    /// What keeps the program of a container that does not run from being started, as far as its
    /// files show it. The container is locked by the caller, or about to go.
    std::optional<std::string> program_problem(Container& container);

    Services services_;
    Settings settings_;
    SystemClock clock_;
    struct Index {
        std::map<std::string, ContainerPtr> by_id;
        std::map<std::string, std::string, std::less<>> by_name;  // name -> id, reserved ones too
    };
    mutable Guarded<Index> index_;
    Guarded<std::map<std::string, ExecRecord>> execs_;
    struct UserRanges {
        Blocks blocks;                     // of this engine
        std::set<std::uint32_t> reserved;  // first ids; their containers are being created
        std::uint32_t last = 0;
    };
    Guarded<UserRanges> user_ranges_;  // before index_ where both are needed
    IdBlocks id_blocks_;
    struct OwnerMaps {
        sys::Fd sample;  // a user namespace; there is one when maps work
        bool failed = false;
    };
    Guarded<OwnerMaps> owner_maps_;
    /// A layer below every container's image: the empty files and directories that are mounted
    /// over. With it no mount target has to be made in the writable layer, so neither diff nor
    /// commit shows any.
    Result<> make_base_layer();
    oci::Digest base_layer_;
    SerialExecutor executor_;
    std::unique_ptr<shim::Hub> hub_;
    std::jthread policy_thread_;
};

/// The volume or bind that a clean path of the container lies on; null when it lies in the root.
const MountRequest* find_covering_mount(const Container& container, std::string_view path);

/// Opens (and makes) a directory inside a root; missing ones are made with mode 0755. No link leads
/// out.
Result<sys::Fd> make_directory_in_root(sys::BorrowedFd root, const std::string& path);

/// Writes a file anew, in place: containers that have it mounted see the new text. Not synced, it
/// is made at each start.
Result<> write_plain_file(const std::string& path, std::string_view text);

/// The container's ids, as a map of what is on the disk to what they are on the host.
std::vector<oci::RuntimeIdMapping> own_ids_map(const UserIds& ids);
/// A user namespace with that map, or the other way round, for mounts.
Result<sys::Fd> make_owners(const UserIds& ids, bool reverse);

/// Whether the container has a network namespace of its own.
bool has_own_network(const ContainerSpec& spec);
/// "bridge" for "default" and "".
std::string normal_network(const std::string& mode);

}  // namespace berth::container
