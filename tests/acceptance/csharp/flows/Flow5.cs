using System;
using System.Collections.Concurrent;
using System.IO;
using System.Linq;
using System.Threading;
using Realms;
using Realms.Exceptions;
using Realms.Sync;
using Realms.Sync.ErrorHandling;
using Realms.Sync.Exceptions;
using Realms.Sync.Testing;
using Async = System.Threading.Tasks.Task;

namespace Acceptance
{
    /// <summary>What goes wrong says so, by the exception that apps expect, and what is on the device lives on.</summary>
    public static class Flow5
    {
        public static async Async Run(Server server)
        {
            var app = Realms.Sync.App.Create(new AppConfiguration("errors")
            {
                BaseUri = server.Uri,
                BaseFilePath = Path.Combine(server.Folder, "device"),
            });
            Must.Be(Realms.Sync.App.Create("errors") == app, "the same app for the same id");
            var user = await app.LogInAsync(Credentials.Anonymous());
            await WrongSyncType(user);
            await CopiedFolder(server, user);
            await Offline(server, user);
        }

        /// <summary>The first client made the app a partition app: a flexible realm of it is refused.</summary>
        private static async Async WrongSyncType(User user)
        {
            using var partition = await Realm.GetInstanceAsync(new PartitionSyncConfiguration("a", user) { Schema = new[] { typeof(Task) } });
            var errors = new BlockingCollection<SessionException>();
            var config = new FlexibleSyncConfiguration(user)
            {
                Schema = new[] { typeof(Task) },
                OnSessionError = (session, error) =>
                {
                    Must.Be(session.User == user && SynchronizationContext.Current is null, "off the main thread");
                    errors.Add(error);
                },
            };
            using var flexible = Realm.GetInstance(config);
            SessionException? error = null;
            await Must.Until(() => errors.TryTake(out error), "the error of the session");
            Must.Equal(ErrorCode.WrongSyncType, error!.ErrorCode, error.Message);
            Must.Be(partition.SyncSession.State == SessionState.Active, "the other session goes on");
        }

        /// <summary>Two copies of one folder write: the second is refused, keeps all that it has and can be used.</summary>
        private static async Async CopiedFolder(Server server, User user)
        {
            var path = Path.Combine(server.Folder, "original");
            var copy = Path.Combine(server.Folder, "copy");
            PartitionSyncConfiguration At(string at) => new("copies", user, at) { Schema = new[] { typeof(Task) } };
            using (var realm = await Realm.GetInstanceAsync(At(path)))
            {
                realm.Write(() => realm.Add(new Task { Partition = "copies", Name = "before" }));
                await realm.SyncSession.WaitForUploadAsync();
                realm.SyncSession.Stop();
                realm.Write(() => realm.Add(new Task { Partition = "copies", Name = "unsent" }));
            }

            CopyFolder(path, copy);
            using (var realm = Realm.GetInstance(At(path)))
            {
                await realm.SyncSession.WaitForUploadAsync();
            }

            var resets = new BlockingCollection<ClientResetException>();
            var config = At(copy);
            config.ClientResetHandler = new ManualRecoveryHandler(resets.Add);
            using (var second = Realm.GetInstance(config))
            {
                ClientResetException? reset = null;
                await Must.Until(() => resets.TryTake(out reset), "the error of the copy");
                Must.Equal(ErrorCode.ClientReset, reset!.ErrorCode, reset.Message);
                Must.Set(new[] { "before", "unsent" }, Names(second), "the copy keeps all");
                second.Write(() => second.Add(new Task { Partition = "copies", Name = "still usable" }));
            }

            await Recovery(At(copy));
            var reports = new ConcurrentQueue<SyncProgress>();
            var opening = At(Path.Combine(server.Folder, "third"));
            opening.OnProgress = reports.Enqueue;
            using var third = await Realm.GetInstanceAsync(opening);
            await Must.Until(() => reports.LastOrDefault().ProgressEstimate == 1, "the progress of the opening");
            Must.Be(reports.Zip(reports.Skip(1)).All(pair => pair.First.ProgressEstimate <= pair.Second.ProgressEstimate), "it rises");
            Must.Set(new[] { "before", "unsent", "still usable" }, Names(third), "nothing came twice, nothing is lost");
            await Resets(At(Path.Combine(server.Folder, "fourth")));
            await LocalAndBack(server, third, At(Path.Combine(server.Folder, "again")));
        }

        /// <summary>How to stop syncing for good, and how to begin with a realm that was local.</summary>
        private static async Async LocalAndBack(Server server, Realm synced, PartitionSyncConfiguration again)
        {
            var config = new RealmConfiguration(Path.Combine(server.Folder, "local")) { Schema = new[] { typeof(Task) } };
            await synced.SyncSession.WaitForUploadAsync();
            await synced.SyncSession.WaitForDownloadAsync();
            synced.Refresh();
            var names = Names(synced);
            synced.WriteCopy(config);
            using (var local = Realm.GetInstance(config))
            {
                Must.Set(names, Names(local), "the local copy");
                local.Write(() => local.Add(new Task { Partition = "copies", Name = "written locally" }));
                local.WriteCopy(again);
            }

            using var realm = await Realm.GetInstanceAsync(again);
            await realm.SyncSession.WaitForUploadAsync();
            await synced.SyncSession.WaitForDownloadAsync();
            synced.Refresh();
            Must.Set(names.Append("written locally"), Names(synced), "what was local is synced");
            Must.Set(names.Append("written locally"), Names(realm), "and nothing is there twice");
        }

        private static string[] Names(Realm realm) => realm.All<Task>().AsEnumerable().Select(task => task.Name!).ToArray();

        /// <summary>The copy becomes a device of its own, and sends what only it has.</summary>
        private static async Async Recovery(PartitionSyncConfiguration config)
        {
            var calls = new BlockingCollection<string>();
            config.ClientResetHandler = new RecoverOrDiscardUnsyncedChangesHandler
            {
                OnBeforeReset = before => calls.Add($"before {before.IsFrozen} {Names(before).Length}"),
                OnAfterRecovery = (before, after) => calls.Add($"after {before.IsFrozen} {Names(before).Length} {after.IsFrozen} {Names(after).Length}"),
                OnAfterDiscard = (_, _) => calls.Add("discarded"),
                ManualResetFallback = error => calls.Add(error.Message),
            };
            using var realm = Realm.GetInstance(config);
            await realm.SyncSession.WaitForDownloadAsync();
            await realm.SyncSession.WaitForUploadAsync();
            Must.Equal("before True 3, after True 3 False 3", string.Join(", ", calls), "the handler's calls");
        }

        /// <summary>A reset that a test asks for: a handler that throws leads to the fallback, which moves the folder away.</summary>
        private static async Async Resets(PartitionSyncConfiguration config)
        {
            var fallbacks = new BlockingCollection<ClientResetException>();
            config.ClientResetHandler = new DiscardUnsyncedChangesHandler
            {
                OnBeforeReset = _ => throw new InvalidOperationException("not now"),
                ManualResetFallback = fallbacks.Add,
            };
            ClientResetException? failed = null;
            using (var realm = await Realm.GetInstanceAsync(config))
            {
                realm.SyncSession.SimulateError(ErrorCode.ClientReset, "by a test", true);
                await Must.Until(() => fallbacks.TryTake(out failed), "the fallback");
                Must.Equal(ErrorCode.AutoClientResetFailed, failed!.ErrorCode, failed.Message);
                Must.Be(!failed.InitiateClientReset() && Directory.Exists(config.DatabasePath), "an open realm is moved later");
            }

            await Must.Until(() => failed!.InitiateClientReset(), "the folder is moved");
            Must.Be(Directory.Exists(failed!.BackupFilePath) && !Directory.Exists(config.DatabasePath), "the backup");
            using var anew = await Realm.GetInstanceAsync(config);
            Must.Equal(3, Names(anew).Length, "all of the server's");
        }

        /// <summary>Without a server a realm opens at once; waiting for it can be cancelled.</summary>
        private static async Async Offline(Server server, User user)
        {
            server.Kill();
            var config = new PartitionSyncConfiguration("offline", user) { Schema = new[] { typeof(Task) } };
            using (var realm = Realm.GetInstance(config))
            {
                realm.Write(() => realm.Add(new Task { Partition = "offline", Name = "kept" }));
            }

            var impatient = new PartitionSyncConfiguration("impatient", user)
            {
                Schema = new[] { typeof(Task) },
                CancelAsyncOperationsOnNonFatalErrors = true,
            };
            using (var realm = Realm.GetInstance(impatient))
            {
                Exception? failure = null;
                try
                {
                    await realm.SyncSession.WaitForDownloadAsync().WaitAsync(Must.Limit);
                }
                catch (Exception error) when (error is not TimeoutException)
                {
                    failure = error;
                }

                Must.Be(failure is not null, "the wait ended with the failed attempt to connect");
                Must.Equal(SessionState.Active, realm.SyncSession.State, "the session goes on");
            }

            using var stop = new CancellationTokenSource(300);
            try
            {
                using var _ = await Realm.GetInstanceAsync(config, stop.Token);
                throw new FailedException("it opened without a server");
            }
            catch (OperationCanceledException)
            {
            }

            using var again = Realm.GetInstance(config);
            Must.Equal("kept", again.All<Task>().Single().Name, "written offline");
            server.Start();
            user.App.Sync.Reconnect();
            await again.SyncSession.WaitForUploadAsync().WaitAsync(Must.Limit);
        }

        /// <summary>As a back-up program does it, which does not ask for locks.</summary>
        private static void CopyFolder(string from, string to)
        {
            using var process = System.Diagnostics.Process.Start("/bin/cp", new[] { "-r", from, to });
            process.WaitForExit();
            Must.Equal(0, process.ExitCode, "cp");
        }

        private static void Throws<T>(Action action)
            where T : Exception
        {
            try
            {
                action();
            }
            catch (T)
            {
                return;
            }

            throw new FailedException($"{typeof(T).Name} was expected");
        }
    }
}
