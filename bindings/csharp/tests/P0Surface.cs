namespace Realms.Tests;

/// <summary>
/// The names that programs written for Realm .NET use most. Each line is a type, then its members as P0Tests prints
/// them: parameters with their names and defaults, constraints after "where". More members may exist; none may be missing.
/// </summary>
internal static class P0Surface
{
    public const string Text = """
        Realms.IRealmObject : IRealmObjectBase
        Realms.IEmbeddedObject : IRealmObjectBase
          IRealmObjectBase Parent { get; }
        Realms.IAsymmetricObject : IRealmObjectBase
        Realms.RealmObject : RealmObjectBase, IRealmObject
        Realms.EmbeddedObject : RealmObjectBase, IEmbeddedObject
          IRealmObjectBase Parent { get; }
        Realms.AsymmetricObject : RealmObjectBase, IAsymmetricObject
        Realms.MapToAttribute : Attribute
          string Mapping { get; }
          new(string mapping)
        Realms.PrimaryKeyAttribute : Attribute
          new()
        Realms.Realm : IDisposable
          static Realm GetInstance(string databasePath)
          static Realm GetInstance(RealmConfigurationBase config = null)
          static Task<Realm> GetInstanceAsync(RealmConfigurationBase config = null, CancellationToken cancellationToken = default)
          Session SyncSession { get; }
          SubscriptionSet Subscriptions { get; }
          void Dispose()
          T Add<T>(T obj, bool update = false) where T : IRealmObject
          void Add<T>(IEnumerable<T> objs, bool update = false) where T : IRealmObject
          void Add<T>(T obj) where T : IAsymmetricObject
          void Add<T>(IEnumerable<T> objs) where T : IAsymmetricObject
          void Write(Action action)
          T Write<T>(Func<T> function)
          Task WriteAsync(Action action, CancellationToken cancellationToken = default)
          Task<T> WriteAsync<T>(Func<T> function, CancellationToken cancellationToken = default)
          IQueryable<T> All<T>() where T : IRealmObject
          void WriteCopy(RealmConfigurationBase config)
        Realms.RealmConfiguration : RealmConfigurationBase
          new(string optionalPath = null)
        Realms.RealmConfigurationBase : abstract
          string DatabasePath { get; }
          RealmSchema Schema { get; set; }
        Realms.Sync.App
          SyncClient Sync { get; }
          User CurrentUser { get; }
          static App Create(AppConfiguration config)
          static App Create(string appId)
          Task<User> LogInAsync(Credentials credentials)
        Realms.Sync.App+SyncClient : ValueType
          void Reconnect()
        Realms.Sync.AppConfiguration
          string AppId { get; }
          new(string appId)
        Realms.Sync.ConnectionState : enum byte Disconnected=0 Connecting=1 Connected=2
        Realms.Sync.Credentials
          static Credentials Anonymous(bool reuseExisting = true)
          static Credentials EmailPassword(string email, string password)
        Realms.Sync.FlexibleSyncConfiguration : SyncConfigurationBase
          delegate void InitialSubscriptionsDelegate(Realm realm)
          new(User user, string optionalPath = null)
          InitialSubscriptionsDelegate PopulateInitialSubscriptions { get; set; }
        Realms.Sync.PartitionSyncConfiguration : SyncConfigurationBase
          Action<SyncProgress> OnProgress { get; set; }
          RealmValue Partition { get; }
          new(string partition, User user, string optionalPath = null)
          new(long? partition, User user, string optionalPath = null)
          new(ObjectId? partition, User user, string optionalPath = null)
          new(Guid? partition, User user, string optionalPath = null)
        Realms.Sync.SyncConfiguration : PartitionSyncConfiguration
          new(string partition, User user, string optionalPath = null)
        Realms.Sync.ProgressDirection : enum byte Upload=0 Download=1
        Realms.Sync.ProgressMode : enum int ReportIndefinitely=0 ForCurrentlyOutstandingWork=1
        Realms.Sync.Session : INotifyPropertyChanged
          event PropertyChangedEventHandler PropertyChanged
          SessionState State { get; }
          ConnectionState ConnectionState { get; }
          User User { get; }
          string Path { get; }
          IObservable<SyncProgress> GetProgressObservable(ProgressDirection direction, ProgressMode mode)
          Task WaitForUploadAsync(CancellationToken? cancellationToken = null)
          Task WaitForDownloadAsync(CancellationToken? cancellationToken = null)
          void Stop()
          void Start()
        Realms.Sync.SessionState : enum byte Active=0 Inactive=1
        Realms.Sync.SubscriptionSet : IReadOnlyList<Subscription>
          void Update(Action action)
          Subscription Add<T>(IQueryable<T> query, SubscriptionOptions options = null) where T : IRealmObject
        Realms.Sync.SyncConfigurationBase : RealmConfigurationBase, abstract
          delegate void SessionErrorCallback(Session session, SessionException error)
          User User { get; }
          ClientResetHandlerBase ClientResetHandler { get; set; }
          SessionErrorCallback OnSessionError { get; set; }
        Realms.Sync.SyncProgress : ValueType
          double ProgressEstimate { get; }
        Realms.Sync.User : IEquatable<User>
          string Id { get; }
        Realms.Sync.ErrorHandling.ClientResetHandlerBase : abstract
          delegate void ClientResetCallback(ClientResetException clientResetException)
          delegate void BeforeResetCallback(Realm beforeFrozen)
          delegate void AfterResetCallback(Realm beforeFrozen, Realm after)
        Realms.Sync.ErrorHandling.DiscardUnsyncedChangesHandler : ClientResetHandlerBase, sealed
          BeforeResetCallback OnBeforeReset { get; set; }
          AfterResetCallback OnAfterReset { get; set; }
          ClientResetCallback ManualResetFallback { get; set; }
        Realms.Sync.ErrorHandling.ManualRecoveryHandler : ClientResetHandlerBase, sealed
          ClientResetCallback OnClientReset { get; }
          new(ClientResetCallback onClientReset)
        Realms.Sync.ErrorHandling.RecoverOrDiscardUnsyncedChangesHandler : ClientResetHandlerBase, sealed
          BeforeResetCallback OnBeforeReset { get; set; }
          AfterResetCallback OnAfterRecovery { get; set; }
          AfterResetCallback OnAfterDiscard { get; set; }
          ClientResetCallback ManualResetFallback { get; set; }
        Realms.Sync.ErrorHandling.RecoverUnsyncedChangesHandler : ClientResetHandlerBase, sealed
          BeforeResetCallback OnBeforeReset { get; set; }
          AfterResetCallback OnAfterReset { get; set; }
          ClientResetCallback ManualResetFallback { get; set; }
        Realms.Sync.Exceptions.ClientResetException : SessionException
          string BackupFilePath { get; }
          bool InitiateClientReset()
        Realms.Sync.Exceptions.ErrorCode : enum int RuntimeError=1000 BadPartitionValue=1029 ProtocolInvariantFailed=1038 BadChangeset=1015 SubscriptionFailed=1016 BadQuery=1031 ClientReset=1032 InvalidSchemaChange=1036 PermissionDenied=1037 ServerPermissionsChanged=1040 UserMismatch=1041 WriteNotAllowed=1044 AutoClientResetFailed=1028 WrongSyncType=1043 CompensatingWrite=1033 Unknown=1000 OtherSessionError=1000 IllegalRealmPath=1029 BadClientFileIdentifier=1032 BadServerVersion=1038 BadClientVersion=1038 DivergingHistories=1032 BadClientFile=1032 ClientFileExpired=1032 TooManySessions=-2 ObjectAlreadyExists=-3 InitialSyncNotCompleted=-4 BadProgress=1038
        Realms.Sync.Exceptions.SessionException : Exception
          ErrorCode ErrorCode { get; }
        Realms.Exceptions.RealmException : Exception
        Realms.Exceptions.RealmFileAccessErrorException : RealmException
        Realms.Exceptions.RealmInvalidObjectException : RealmException
        Realms.Logging.LogLevel : enum int All=0 Trace=1 Debug=2 Detail=3 Info=4 Warn=5 Error=6 Fatal=7 Off=8
        Realms.Logging.Logger : RealmLogger, abstract
          void LogImpl(LogLevel level, string message)
          void LogImpl(LogLevel level, LogCategory category, string message)
        Realms.Logging.RealmLogger : abstract
          static LogLevel LogLevel { get; set; }
          static RealmLogger Default { get; set; }
        """;
}
