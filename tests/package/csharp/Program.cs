using System;
using System.Linq;
using Realms;

// A consumer in C#, with models in both styles.
var realm = Realm.GetInstance(new RealmConfiguration(args[0]));
realm.Write(() =>
{
    realm.Add(new Dog { Id = 1, Name = "Rex" });
    realm.Add(new Cat { Id = 2, Name = "Tom" });
});
var found = realm.All<Dog>().Where(d => d.Name == "Rex").Count() + realm.All<Cat>().Count();
Console.WriteLine($"found {found}");
realm.Dispose();
return found == 2 ? 0 : 1;

public partial class Dog : IRealmObject
{
    [PrimaryKey, MapTo("_id")]
    public int Id { get; set; }

    public string Name { get; set; } = "";
}

public class Cat : RealmObject
{
    [PrimaryKey, MapTo("_id")]
    public int Id { get; set; }

    public string? Name { get; set; }
}
