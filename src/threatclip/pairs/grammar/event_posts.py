"""Posts about threat events, invented: one rule for each kind of scene, tags, addresses, emoji, three languages.

`«$when»`, `«$place»` and `«$much»` are preset by the scene that the picture shows.
"""

TEXT = r"""
street := «=Mill~Harbor~Station~Church~Market~Elm~River~Canal~Garden~Bridge~School~Tower~Orchard~Quarry» «=Street~Road~Lane~Avenue~Square»
crew := «=crews~firefighters~volunteers~the fire brigade~rescue teams~neighbors~first responders»
damage_low := «=no damage so far~little damage~nobody hurt~all under control~more scary than bad~it could have been worse»
damage_mid := «=some damage~cars damaged~power is out~roads closed~several homes damaged~people asked to leave»
damage_high := «=everything is gone~homes destroyed~total devastation~so much lost~people are missing~the worst we have ever seen»
wish := «=Stay safe everyone~Please stay away from the area~Praying for everyone there~Take care out there~Check on your neighbors~Thank you to all who help~Our hearts are with them»
lead := «chat». ¦ «chat»! ¦ «chat»:
chat := «=What a day~Unreal~I can not believe this~Photo by a friend~Just now~Update~Breaking~Look at this~View from my window~Sent in by a reader»
tail := «wish». ¦ «$much». ¦ «$much». «wish». ¦ «wish»! ¦ «chat».
town := «=Oak~Ash~Mill~Stone~West~North~Fair~Clear~Elm~Black~Lower~Upper~River~Old~New~King~Green~Long~Silver~Cedar»«=ford~field~brook~ton~dale~bridge~port~wood~ham~view~bury~haven~ridge~creek» ¦ «coined|cap»
## the six kinds of scenes
flood := «lead?30» «flood_fact». «tail?60» ¦ «flood_fact», «$much» ¦ «flood_fact»... «wish?40»
flood_fact := «=Water~Flood water~Muddy water» is «=up to the windows~running down~covering all of~standing on~still rising on» «street»
  ¦ The river «=broke its banks~came over the dam~rose two meters~reached the first floor» in «$place» «$when»
  ¦ «=Boats instead of cars~People leave by boat~Everyone is on the roof~Knee deep water~Half of the houses under water» in «$place» «$when»
  ¦ Heavy rain flooded «=the whole lower town~the market~our street~the subway~hundreds of homes» in «$place» «$when?50»
  ¦ Streets of «$place» under water «$when» after «=a night of rain~three days of rain~the dam opened»
  ¦ «=Cars swept away~Cellars flooded~Bridge under water~Shops flooded» on «street» «$when»
wildfire := «lead?30» «wildfire_fact». «tail?60» ¦ «wildfire_fact», «$much» ¦ «wildfire_fact»... «wish?40»
wildfire_fact := «=Forest fire~Wildfire~Brush fire~A wall of flames» «=above~close to~behind~just north of~moving towards» «$place» «$when»
  ¦ The «=woods~hills~pines~dry slopes~trees» around «$place» are «=on fire~burning~in flames~full of smoke» «$when?50»
  ¦ «crew|cap» «=fight~try to stop~watch over~contain» the «=forest fire~wildfire~flames in the trees» near «$place» «$when?50»
  ¦ Smoke of the forest fire «=hides the sun~can be seen for miles~covers the valley» «$when»
  ¦ Acres of trees burned near «$place», wind is «=picking up~turning~strong»
building_fire := «lead?30» «building_fire_fact». «tail?60» ¦ «building_fire_fact», «$much» ¦ «building_fire_fact»... «wish?40»
building_fire_fact := «=Flames~Smoke and flames~Fire~Thick smoke» from the «=third floor~roof~windows~top floors~upper windows» of «=an apartment block~a tower~a warehouse~an office building~the old hotel» on «street» «$when?50»
  ¦ «=Structure fire~Apartment fire~Warehouse fire~Second alarm fire~Working fire» on «street» «$when», «crew» «=on scene~at work~inside»
  ¦ A building on «street» in «$place» is «=burning~on fire~fully involved~in flames» «$when?50»
  ¦ «crew|cap» «=knocked down~still fight~put out~arrived at» the «=blaze~fire~building fire» on «street»
  ¦ Residents got out before the fire reached «=the stairs~the roof~their floor» on «street»
earthquake := «lead?30» «earthquake_fact». «tail?60» ¦ «earthquake_fact», «$much» ¦ «earthquake_fact»... «wish?40»
earthquake_fact := «=Strong earthquake~Quake~Earthquake~Aftershock» «=shook~hit~woke up all of» «$place» «$when»
  ¦ «=Houses collapsed~Walls came down~Rubble everywhere~Cracked buildings» «=in~all over» «$place» after the «=quake~earthquake» «$when?50»
  ¦ «crew|cap» dig through «=rubble~bricks~the ruins» on «street» «$when?50»
  ¦ Nothing but «=rubble~dust and bricks~broken walls» where «street» used to be
storm := «lead?30» «storm_fact». «tail?60» ¦ «storm_fact», «$much» ¦ «storm_fact»... «wish?40»
storm_fact := The «=storm~hurricane~wind» «=hits~is over~tears through~reached» «$place» «$when»
  ¦ «=Waves~The sea~Storm surge» «=over the wall at~on the boardwalk of~in the streets of» «$place» «$when»
  ¦ «=Palms bend~Trees down~Roofs fly~Rain goes sideways» in «$place», «=wind~gusts» over a hundred
  ¦ Hurricane «=damage~landfall~night~rain» in «$place», «=no power~we are inside~waiting for it to pass~lights out»
peace := «peace_fact». ¦ «peace_fact». «=So calm~Love this place~No filter~Best weekend~Good times~Home sweet home~Finally a day off». ¦ «peace_fact»
peace_fact := «=Walk~Picnic~Quiet hour~Run~Bike ride» «=by the lake~in the woods~on the beach~along the river~through the old town» near «$place» «$when?50»
  ¦ «=Campfire~Barbecue~Swim~Boat trip» with «=friends~the family~the kids~the dog» near «$place» «$when?50»
  ¦ «=Sunset over~Good morning from~Greetings from~Back in~Weekend in» «$place»
  ¦ «=Tall trees around~Clear water at~Blue sky over~Green hills around» «$place» «$when?50»
  ¦ Smoke from the grill, water in the pool, what else do you need
## other languages
es_flood := El río se desbordó en «$place» y las calles están inundadas ¦ Inundación en «$place», el agua llega a las ventanas
es_wildfire := El incendio forestal avanza hacia «$place» con mucho viento ¦ Los bomberos luchan contra el incendio en el bosque cerca de «$place»
es_building_fire := Incendio en un edificio de «$place», los vecinos están fuera ¦ Sale mucho humo de las ventanas de un edificio en «$place»
es_earthquake := Fuerte terremoto en «$place», hay casas derrumbadas y mucho miedo
es_storm := El huracán llegó a «$place» con vientos muy fuertes y mucha lluvia
es_peace := Paseo con la familia junto al lago de «$place», un día muy bonito
sv_flood := Vattnet stiger på gatorna i «$place» och källare är översvämmade ¦ Översvämning i «$place» efter nattens skyfall
sv_wildfire := Skogsbranden sprider sig mot «$place» och röken syns över hela dalen ¦ Brandmän kämpar mot skogsbranden utanför «$place»
sv_building_fire := Det brinner i ett flerfamiljshus i «$place» och alla har fått lämna sina lägenheter
sv_earthquake := Kraftigt jordskalv i «$place» och flera hus har rasat samman
sv_storm := Stormen drar in över «$place» med höga vågor och mycket regn
sv_peace := Promenad vid sjön i «$place» med hela familjen, en riktigt fin dag
## what surrounds the words
handle := @«coined»«=_~77~news~_1~.cam»«coined?30»
link := https://t.co/«rand» ¦ https://t.co/«abc»…
emoji_flood := «=🌊~💧~🙏🏻~😢~🚣~☔️» ¦ «=🌊~💦»«=🌊~💦»
emoji_wildfire := «=🔥~🔥🔥~🌲🔥~👨‍🚒~🙏~😔»
emoji_building_fire := «=🔥~🚒~🚒🔥~👩‍🚒~🏢~😱»
emoji_earthquake := «=🙏~😢~🏚️~💔»
emoji_storm := «=🌀~🌪️~💨~🌴~⚡️~🙏🏽»
emoji_peace := «=☀️~😊~🌅~❤️~🌲~🏖️»
tags_flood := «=#flood~#flooding~#HeavyRain~#StaySafe~#water~#FloodRelief»
tags_wildfire := «=#wildfire~#ForestFire~#smoke~#StaySafe~#fire~#firefighters»
tags_building_fire := «=#StructureFire~#fire~#2ndAlarm~#firefighters~#BreakingNews~#smoke»
tags_earthquake := «=#earthquake~#quake~#rescue~#BreakingNews~#prayers»
tags_storm := «=#hurricane~#storm~#StormSurge~#wind~#StaySafe~#blackout»
tags_peace := «=#nature~#weekend~#lake~#travel~#PhotoOfTheDay~#love»
"""  # noqa: E501
