using System;
using System.IO;
using System.Linq;
using System.Net;
using MongoDB.Bson;
using Realms.Sync;
using Realms.Sync.Exceptions;
using Async = System.Threading.Tasks.Task;

namespace Acceptance
{
    /// <summary>Accounts: keys, linked identities, custom data, deletion, another server, what is not offered.</summary>
    public static class Flow6
    {
        public static async Async Run(Server server)
        {
            var app = App.Create(new AppConfiguration("accounts")
            {
                BaseUri = server.Uri,
                BaseFilePath = Path.Combine(server.Folder, "device"),
                MetadataEncryptionKey = new byte[64],
                UseAppCache = false,
            });
            var user = await Link(app);
            await Keys(app, user);
            await Data(server, user);
            await NotOffered(app, user);
            await Delete(app, user);
            var guest = await app.LogInAsync(Credentials.Anonymous());
            await app.UpdateBaseUriAsync(new Uri("http://127.0.0.1:1"));
            Must.Be(guest.State == UserState.LoggedOut && app.BaseUri.Port == 1, "another server logs out");
        }

        private static async System.Threading.Tasks.Task<User> Link(App app)
        {
            var user = await app.LogInAsync(Credentials.Anonymous());
            var changes = 0;
            user.Changed += (sender, _) => changes += ReferenceEquals(sender, user) ? 1 : 100;
            Must.Equal(Credentials.AuthProvider.Anonymous, user.Identities.Single().Provider, "the identity");
            await app.EmailPasswordAuth.RegisterUserAsync("ann@example.org", "secret 1");
            var linked = await user.LinkCredentialsAsync(Credentials.EmailPassword("ann@example.org", "secret 1"));
            Must.Be(linked == user && user.Identities.Single() is { Provider: Credentials.AuthProvider.EmailPassword }, "linked");
            Must.Equal("ann@example.org", user.Profile.Email, "the profile");
            Must.Be(user.Profile.Name is null && user.DeviceId.Length == 24 && user.RefreshToken.Length > 0, "what is known");
            await Must.Until(() => changes > 0, "the event");
            var again = await Fails(user.LinkCredentialsAsync(Credentials.EmailPassword("ann@example.org", "secret 1")));
            Must.Equal(HttpStatusCode.Conflict, again.StatusCode, "linked twice");
            Must.Be(await app.LogInAsync(Credentials.EmailPassword("ann@example.org", "secret 1")) == user, "the same user");
            return user;
        }

        private static async Async Keys(App app, User user)
        {
            var key = await user.ApiKeys.CreateAsync("build");
            Must.Be(key is { Name: "build", IsEnabled: true, Value.Length: 64 }, "a key");
            Must.Be(await app.LogInAsync(Credentials.ApiKey(key.Value!)) == user, "by key");
            await user.ApiKeys.DisableAsync(key.Id);
            Must.Be(await user.ApiKeys.FetchAsync(key.Id) is { IsEnabled: false, Value: null }, "disabled");
            var disabled = await Fails(app.LogInAsync(Credentials.ApiKey(key.Value!)));
            Must.Equal(HttpStatusCode.Unauthorized, disabled.StatusCode, "a disabled key");
            await Fails(user.ApiKeys.EnableAsync(ObjectId.GenerateNewId()));
            await user.ApiKeys.EnableAsync(key.Id);
            Must.Equal(1, (await user.ApiKeys.FetchAllAsync()).Count(), "keys");
            await user.ApiKeys.DeleteAsync(key.Id);
            await user.ApiKeys.DeleteAsync(key.Id);
            Must.Be(await user.ApiKeys.FetchAsync(key.Id) is null, "deleted");
        }

        private static async Async Data(Server server, User user)
        {
            Must.Be(user.GetCustomData() is null, "no data");
            server.Command("user", "data", "set", user.Id, "{\"team\": 3, \"tags\": [\"a\"], \"Name\": \"Ann\"}", "--app", "accounts");
            var data = await user.RefreshCustomDataAsync();
            Must.Be(data!["team"].AsInt32 == 3 && data["tags"].AsBsonArray[0] == "a", "data");
            Must.Equal("Ann", user.GetCustomData<Person>()!.Name, "data of a type");
            Must.Equal(3, user.GetCustomData<Person>()!.Number, "a renamed member");
        }

        private static async Async NotOffered(App app, User user)
        {
            var tasks = new Func<Async>[]
            {
                () => app.LogInAsync(Credentials.Facebook("x")),
                () => app.LogInAsync(Credentials.Function(new { a = 1 })),
                () => user.Functions.CallAsync("sum", 1, 2),
                () => app.EmailPasswordAuth.CallResetPasswordFunctionAsync("a@b", "secret 1"),
                () => Async.Run(() => user.GetMongoClient("x").GetDatabase("y")),
            };
            foreach (var task in tasks)
            {
                var error = await Fails(task());
                Must.Be(error.Message.Contains("not offered by this server", StringComparison.Ordinal), error.Message);
                Must.Equal(HttpStatusCode.NotImplemented, error.StatusCode, "the status");
            }
        }

        private static async Async Delete(App app, User user)
        {
            await app.DeleteUserFromServerAsync(user);
            Must.Be(user.State == UserState.Removed && app.AllUsers.Length == 0, "removed");
            await Fails(app.LogInAsync(Credentials.EmailPassword("ann@example.org", "secret 1")));
        }

        private static async System.Threading.Tasks.Task<AppException> Fails(Async task)
        {
            try
            {
                await task;
            }
            catch (AppException error)
            {
                return error;
            }

            throw new FailedException("AppException was expected");
        }

        private sealed class Person
        {
            public string Name { get; set; } = "";

            [BsonElement("team")]
            public int Number { get; set; }
        }
    }
}
