//! The closed lists of words and phrases, in lower case.

use super::lexicon::{
    CALENDAR, CITY, COUNTRY, DEMONYM, EVENT_TAIL, FEMALE, FUNCTION, MALE, NOT_A_NAME, ORG_HEAD, ORG_TAIL,
    ORG_WORD, PARTICLE, PARTY, PLACE_TAIL, ROLE_NOUN, SAID, STATE, STATE_SHORT, TITLE, TITLE_PART, WHERE,
};

/// Words by class; a word may stand in several lists.
pub(super) const LISTS: &[(u32, &str)] = &[
    (
        TITLE,
        "mr mr. mrs mrs. ms ms. miss dr dr. prof prof. professor sir dame lord lady baroness baron sen sen. senator \
         rep rep. representative congressman congresswoman gov gov. governor lt lt. lieutenant gen gen. general col \
         col. colonel maj maj. major capt capt. captain sgt sgt. sergeant cmdr. commander adm. admiral pvt. private cpl. \
         corporal officer president vice-president premier chancellor minister secretary ambassador king queen prince \
         princess duke duchess pope cardinal archbishop bishop rev rev. reverend father imam rabbi sheikh sheik \
         ayatollah mayor judge justice attorney prosecutor sheriff chief director chairman chairwoman chair ceo cfo \
         coo speaker leader whip coach manager spokesman spokeswoman spokesperson detective inspector superintendent \
         constable councillor councilman councilwoman councilor commissioner deputy detective president-elect \
         mp msp mep analyst economist editor founder co-founder st. actor actress author singer chairperson det insp insp. supt supt. cllr \
         undersecretary envoy treasurer comptroller dean provost principal taoiseach emir sultan tsar emperor",
    ),
    (
        TITLE_PART,
        "attorney general vice prime deputy former house senate minority majority foreign defense defence finance \
         interior state justice chief executive secretary assistant acting u.s. us democratic republican gop labour \
         conservative federal district supreme court home health education treasury national security adviser \
         advisor associate senior junior police fire white press first lady major lieutenant army navy air force \
         marine opposition party political campaign research head city county congressional committee fbi cia \
         united states american british russian french german chinese israeli opposition council financial operating crown ch \
         energy labor commerce trade environment transport agriculture intelligence under special designate elect \
         retired",
    ),
    (
        SAID,
        "said says say saying told tells telling added adds adding asked asks asking replied replies responded responds \
         responding wrote writes writing tweeted tweets tweeting insisted insists argued argues arguing explained \
         explains explaining noted notes noting stated states stating claimed claims claiming declared declares announced \
         announces warned warns warning admitted admits acknowledged acknowledges concluded concludes continued continues \
         recalled recalls remarked remarks commented comments quipped joked shouted cried whispered muttered \
         called calls calling portrayed depicted described describes describing dubbed labelled labeled branded dismissed dismisses \
         suggested suggests urged urges vowed pledged promised predicted observed testified conceded denied denies \
         confirmed confirms demanded demands demanding complained countered cautioned boasted lamented reiterated \
         stressed emphasized emphasised believes believed thinks posted posts recounted maintained maintains contended \
         contends alleged accused accuses praised criticized criticised condemned denounced blasted slammed mocked \
         characterized characterised deemed expressed voiced answered read reads quoted",
    ),
    (
        ORG_TAIL,
        "inc inc. corp corp. co co. ltd ltd. llc plc corporation company group holdings committee commission council \
         department ministry agency administration bureau office authority service services association federation \
         union league society institute institution foundation university college school academy bank fund trust party \
         army navy police court parliament congress senate assembly board times post journal guardian herald tribune \
         telegraph gazette chronicle observer globe news press network radio television tv media magazine review \
         airlines airways motors systems technologies technology pharmaceuticals laboratories labs industries \
         partners capital securities insurance energy petroleum oil gas electric software communications entertainment \
         studios pictures records club fc united rovers athletic orchestra church ministries hospital clinic museum \
         alliance coalition front movement brigade brigades forces force corps guard center centre forum summit-group \
         organization organisation taskforce team bloc caucus conservancy consortium cooperative exchange firm \
         enterprises international associates brothers bros. sons stores airline railways railway project initiative \
         band orchestra ensemble quartet choir squad battalion regiment squadron constabulary",
    ),
    (
        ORG_HEAD,
        "department ministry bureau university bank house institute office association federation league union council \
         committee society national college school academy court board church organization organisation ministry \
         center centre chamber commission conference brotherhood museum foundation sons institute army party",
    ),
    (
        FUNCTION,
        "a an the this that these those there here he she it they we you i his her its their our my your him them us \
         me who whom whose which what when where why how if in on at by for from to with without within of off over \
         under above below between among against about across after before during until till since while as because \
         although though unless whereas and or but nor so yet not no yes all any some many most much more less few \
         several both each every either neither other another such same own one two three four five six seven eight \
         nine ten first second third last next then than too very just only even also again ever never always often \
         sometimes now today tonight yesterday tomorrow soon later earlier once still already perhaps maybe however \
         meanwhile moreover furthermore therefore thus hence instead indeed despite according asked given like unlike \
         is are was were be been being am do does did done have has had having can could will would shall should may \
         might must let get got make made take took go goes went come came see seen say says said i'm it's that's \
         he's she's they're we're you're there's what's who's let's don't doesn't didn't isn't aren't wasn't weren't \
         can't couldn't won't wouldn't shouldn't i've i'll i'd we've we'll you'll you've they've please thanks thank \
         ok okay well oh hey hi hello dear via per plus amid amongst toward towards upon onto into out up down new old \
         good great big bad best better early late recent former current senior officials police people experts critics \
         supporters analysts sources authorities residents investigators prosecutors lawyers researchers scientists \
         read watch follow click share send subscribe download photo video image file credit source related more \
         advertisement updated published posted copyright contact breaking exclusive live opinion editorial analysis \
         monday's women men children students workers voters protesters republicans' democrats' asked nothing everyone \
         everything someone something anyone anything nobody none whoever whatever whenever wherever whether is \
         around along behind beyond near nearly almost about roughly approximately overall earlier following including \
         speaking writing under additionally finally eventually ultimately originally initially recently currently \
         previously apparently obviously clearly certainly probably possibly unfortunately fortunately hopefully",
    ),
    (
        DEMONYM,
        "american americans russian russians british briton britons english englishman french frenchman german germans \
         italian italians spanish spaniard spaniards portuguese dutch belgian belgians swiss austrian austrians swedish \
         swede swedes norwegian norwegians danish dane danes finnish finn finns polish pole poles czech czechs slovak \
         slovaks hungarian hungarians romanian romanians bulgarian bulgarians greek greeks turkish turk turks \
         cypriot ukrainian ukrainians belarusian georgian georgians armenian armenians azerbaijani azeri kazakh uzbek \
         chinese japanese korean koreans vietnamese thai thais filipino filipinos indonesian indonesians malaysian \
         malaysians indian indians pakistani pakistanis bangladeshi afghan afghans iranian iranians persian iraqi \
         iraqis syrian syrians lebanese israeli israelis palestinian palestinians jordanian jordanians saudi saudis \
         egyptian egyptians libyan libyans tunisian tunisians algerian algerians moroccan moroccans sudanese ethiopian \
         ethiopians somali somalis kenyan kenyans ugandan rwandan nigerian nigerians ghanaian congolese zimbabwean \
         mexican mexicans canadian canadians cuban cubans brazilian brazilians argentine argentinian chilean \
         colombian colombians venezuelan venezuelans peruvian bolivian australian australians irish irishman scottish scots \
         scot welsh european europeans asian asians african africans arab arabs arabic latino latinos latina hispanic \
         hispanics jewish jew jews muslim muslims islamic islamist islamists christian christians catholic catholics \
         protestant protestants evangelical evangelicals orthodox sunni sunnis shiite shiites shia shi'ite kurdish \
         kurd kurds hindu hindus buddhist buddhists sikh mormon mormons african-american african-americans \
         soviet soviets serbian serb serbs croatian bosnian albanian kosovar latvian lithuanian estonian yemeni \
         houthi houthis qatari emirati kuwaiti omani texan texans californian parisian londoner western westerners",
    ),
    (
        PARTY,
        "democrat democrats democratic republican republicans gop libertarian libertarians socialist socialists \
         communist communists tory tories labourite conservative conservatives liberal liberals marxist nazi nazis \
         christian-democrat social-democrat social-democrats leftist",
    ),
    (
        CALENDAR,
        "january february march april may june july august september october november december jan jan. feb feb. mar. \
         apr. jun. jul. aug aug. sep. sept sept. oct oct. nov nov. dec dec. monday tuesday wednesday thursday friday \
         saturday sunday mon tue wed thu fri sat sun mondays tuesdays wednesdays thursdays fridays saturdays sundays \
         christmas easter thanksgiving ramadan halloween spring summer autumn winter am pm a.m. p.m. gmt est edt et",
    ),
    (
        ORG_WORD,
        "fbi cia nsa nato un u.n. eu e.u. who imf wto opec nasa nhs bbc cnn nbc cbs abc npr pbs fox msnbc reuters ap \
         afp upi bloomberg xinhua tass rt cnbc gm ibm amd aol hp at&t google facebook twitter microsoft apple amazon \
         netflix uber tesla boeing airbus toyota honda samsung sony intel cisco oracle walmart starbucks mcdonald's \
         youtube instagram linkedin snapchat reddit wikipedia wikileaks greenpeace unicef unesco interpol hamas \
         hezbollah isis isil al-qaida al-qaeda taliban kremlin pentagon congress senate parliament knesset bundestag \
         duma politburo hollywood-reporter politico breitbart buzzfeed vox haaretz newsweek pepsi nike adidas \
         goldman citigroup barclays hsbc exxonmobil chevron shell bp gazprom rosneft huawei alibaba tencent epa fda irs \
         dea atf fcc fda sec dhs tsa doj dod nra aclu aarp naacp fifa uefa nfl nba mlb nhl ioc ukip dnc rnc mi5 mi6 \
         gchq kgb fsb gru idf pkk plo eurozone ebay paypal spotify volkswagen bmw renault siemens lufthansa \
         oxfam g7 g8 g20 mercosur asean brics unhcr iaea usgs noaa cdc gao cbo aqap irgc",
    ),
    (
        PLACE_TAIL,
        "river lake sea ocean bay gulf island islands mountain mountains mount hill hills valley desert forest park \
         street avenue road boulevard square bridge airport station county province region district city town village \
         beach coast peninsula strait canal tower towers stadium arena hall palace castle plaza border harbor harbour \
         heights springs prison jail highway cathedral ave ave. blvd territory peninsula falls creek canyon base",
    ),
    (
        EVENT_TAIL,
        "olympics olympic games cup championship championships tournament festival convention war revolution \
         uprising election elections referendum summit conference awards oscars marathon grand-prix inauguration \
         primary crisis treaty act accord agreement parade derby bowl open",
    ),
    (
        NOT_A_NAME,
        "ceo cfo coo tv ok dvd cd pc id dna rna hiv aids gdp vip faq pdf html http www usd eur gbp file watch photo \
         video update breaking live read more related ad ads app apps pm am ii iii iv vi vii viii ix xi mp mps ph.d phd \
         md m.d. jd ba ma b.a. m.a. mba q&a ag a.g. rip lol omg ps p.s. sms gps usb suv ied wmd covid covid-19 internet \
         web bible koran quran god constitution brexit english-language iphone ipad android windows hashtag republic \
         twitter-user facebook-page democratic-led state's north south east west northern southern eastern western \
         credit president senator attorney general sources",
    ),
    (
        STATE_SHORT,
        "al ak az ar ca co ct de fl ga hi id il in ia ks ky la me md ma mi mn ms mo mt ne nv nh nj nm ny nc nd oh ok or \
         pa ri sc sd tn tx ut vt va wa wv wi wy ala ala. ariz ariz. ark ark. calif calif. colo colo. conn conn. del del. \
         fla fla. ga. ill ill. ind ind. kan kan. ky. la. mass mass. mich mich. minn minn. miss miss. mo. mont mont. neb \
         neb. nev nev. n.h. n.j. n.m. n.y. n.c. n.d. okla okla. ore ore. pa. r.i. s.c. s.d. tenn tenn. tex tex. vt. va. \
         wash wash. w.va. wis wis. wyo wyo. alaska hawaii idaho iowa maine ohio texas utah",
    ),
    (
        MALE,
        "mr mr. sir lord congressman chairman spokesman king prince duke pope father councilman he him his himself",
    ),
    (
        FEMALE,
        "mrs mrs. ms ms. miss dame lady baroness congresswoman chairwoman spokeswoman queen princess duchess \
         councilwoman actress she her hers herself mary patricia linda barbara elizabeth jennifer maria susan margaret \
         dorothy lisa nancy karen betty helen sandra donna carol ruth sharon michelle laura sarah kimberly deborah \
         jessica shirley cynthia angela melissa brenda amy anna rebecca virginia kathleen pamela martha debra amanda \
         stephanie carolyn christine marie janet catherine frances ann joyce diane alice julie heather teresa doris \
         gloria evelyn jean cheryl mildred katherine joan ashley judith rose janice kelly nicole judy christina kathy \
         theresa beverly denise tammy irene jane lori rachel marilyn andrea kathryn louise sara anne jacqueline wanda \
         bonnie julia ruby lois tina phyllis norma paula diana annie lillian emily robin peggy crystal gladys rita dawn \
         connie florence tracy edna tiffany carmen rosa cindy grace wendy victoria edith kim sherry sylvia josephine \
         thelma shannon sheila ethel ellen elaine marjorie carrie charlotte monica esther pauline emma juanita anita \
         rhonda hazel amber eva debbie april leslie clara lucille jamie joanne eleanor valerie danielle megan alicia \
         suzanne michele gail bertha darlene veronica jill erin geraldine lauren cathy joann lorraine lynn sally regina \
         erica beatrice dolores bernice audrey yvonne annette samantha marion dana stacy ana renee ida vivian roberta \
         holly brittany melanie loretta yolanda jeanette laurie katie kristen vanessa alma sue elsie beth jeanne \
         hillary kamala ivanka melania theresa kellyanne condoleezza madeleine olga natalia svetlana fatima aisha \
         priya isabel ingrid sofia sophie chloe olivia nicola fiona jo jacinda ursula malala meghan kate",
    ),
    (WHERE, "in at near from to outside across around throughout inside into toward towards"),
    (PARTICLE, "de la du van von der den del della di da dos bin ibn al el ter le abu ben"),
    (
        ROLE_NOUN,
        "president senator minister secretary general spokesman spokeswoman spokesperson official leader chairman \
         chairwoman director governor mayor ambassador judge officer chief adviser advisor lawyer attorney prosecutor \
         professor congressman congresswoman lawmaker analyst expert author editor founder executive commissioner \
         premier chancellor candidate nominee commander representative coach player singer actor actress king queen",
    ),
    (CITY, "washington d.c. london paris moscow beijing brussels manhattan brooklyn jerusalem queens bronx"),
    (
        COUNTRY,
        "u.s u.s. us u.k. uk usa u.s.a. uae drc america britain england scotland wales europe asia africa palestine \
         korea taiwan crimea kosovo chechnya kurdistan siberia balkans",
    ),
    (
        STATE,
        "antarctica scandinavia catalonia bavaria quebec ontario alberta kashmir sinai gaza queensland victoria",
    ),
];

/// Months and days that hardly anybody bears as a name, whatever a census has.
pub(super) const NO_GIVEN_NAMES: &str = "january february march july september october november december monday tuesday wednesday \
    thursday friday saturday sunday";

/// Given names of women, beside those of the gazetteer.
pub(super) const WOMENS_NAMES: &str = "aaliyah adaeze agnieszka aiko aisha ajla akiko aleksandra aminata amira ana anahit \
    anastasia anjali anneli anoushka ayesha ayse beata bhavna birgit camille catarina chiara chimamanda claudia \
    clementine daphne deepika dilma ebru ekaterina elif emine emmanuelle esperanza eszter fatemeh fatma federica \
    francesca galina gauri giorgia giulia gudrun hadiza hanan hanna hatice heba helle hindou houda ilaria ilse indira \
    inés ines ioana irina isabelle ivanka ivana jadwiga jana jelena jacinda joanna jolanta kaja kamala kateryna katarzyna \
    kavita khadija kirsten ksenia kyoko laila lakshmi latifa layla leïla leila liesbeth ljubica lucia ludmila lubna \
    maha magdalena mahsa mai maja malala malgorzata mariana mariam marieke marine marija marta matilde maryam \
    mayumi meena mehbooba meghan mercedes mette mia milena mina mirjana monique nadezhda nadia nadine najla najat \
    nasrin natasha natalia nawal nguyet ngozi nicola nigar nirmala noor noura nurul nurhayati oksana olena olga paola \
    parvati petra pilar priti priya priyanka raisa rajaa rania rasha renata rima rosario ruja saanvi sabine \
    sadia safiya saida salma samia sana sanna sanne sarita sayeeda seema shabana shaima shakira sheikha \
    shreya siobhan sigrid simonetta sinéad sinead snezana solveig soraya sunita sushma svetlana swati sylvie tamara \
    tatiana tatyana thandiwe thuy tomoko ulrike ursula valentina valérie veronika vesna vigdis viktoriya \
    winnie xiomara yasmin yekaterina yoko yulia yuki yuko yuriko zainab zahra zeynep zineb zuzana";

/// Given names of men, beside those of the gazetteer.
pub(super) const MENS_NAMES: &str = "abdel abdirahman abdoulaye abdul abdullah abdullahi abu adnan ahmad ahmed ahmet alassane \
    alejandro aleksandar aleksei aleksey alessandro alexei alexey ali aliou amadou amir anatoly anders andrej andrei \
    andrés andrey andriy andrzej antoine anwar arjun arnaud arvind ashraf askar atiku avigdor aymeric ayman babacar \
    bambang bashar bashir benjamin benoît bernd binyamin björn bjorn boris bruno burak carles cem cheikh christophe cyril \
    daisuke dmitri dmitriy dmitry dragan emmanuel emre enrico etienne evgeny evo fahad faisal farid farouk federico \
    fernando fethi filippo françois gianluca giovanni giuseppe goran goodluck guido guillaume gustav gustavo hakan \
    hamid hans haruki hasan hassan heinz helmut hideo hisham hossein huw hussein ibrahim idris ignazio igor ilham ilya \
    imran ioannis ismail ivan jaap jacek jacques jakob jaroslaw javier jens jerzy jiri joko joaquín jürgen \
    juergen kaan kamal karim kemal khaled khalid khalifa klaus kofi konstantin krzysztof kwame laurent lars lászló lech \
    leonid luca luigi luiz lukas maciej mahathir mahmoud mahmud malik mamadou manmohan marek mariusz massimo mateusz \
    matteo mehmet michal miguel mikhail miloš milos mladen mohamed mohammad mohammed moshe mostafa moussa muammar \
    muhammad muhammadu murat mustafa mykola najib narendra naoki nasser nicolae nikita nikolai nils nikos nuri oleg \
    oleksandr oleksiy olaf olivier omar osama oskar ousmane pavel pavlo pedro petr petro philippe piet pieter pierre \
    piotr pyotr rafal rahul raj rajendra rajiv rami ramzan rashid ravi recep reza ricardo rodrigo roman ruslan saad \
    saddam salman salvatore sami samir sanjay santiago sebastián sergei sergey serhiy shigeru shinzo slobodan slavko \
    stéphane stefan stefano sven suleiman suresh taavi tadeusz taha tariq tayyip tedros thabo thierry timur tomasz \
    toomas umar uwe vadim václav vaclav viktor vitaly vladimir volodymyr volker wael wojciech wolfgang xavier yahya \
    yasser yevgeny yitzhak yoweri yuri yuriy yusuf yves zlatko zoran";

/// Country phrases and regions that the gazetteer leaves out.
pub(super) const PLACE_PHRASES: &str = "middle east|north africa|latin america|south america|north america|central america|\
    southeast asia|silicon valley|wall street|capitol hill|times square|persian gulf|black sea|red sea|\
    mediterranean sea|south china sea|east jerusalem|golan heights|hong kong|washington d.c.|new york city|\
    new england|west coast|east coast|midwest|crimean peninsula|korean peninsula|baltic sea|english channel|\
    gaza strip|trump tower|hollywood";

/// Organisations known by more than one word that the rules would not see as one.
pub(super) const ORG_PHRASES: &str = "white house|washington post|new york times|wall street journal|associated press|\
    press association|fox news|russia today|al jazeera|los angeles times|usa today|daily mail|financial times|\
    the guardian|islamic state|european union|united nations|supreme court|justice department|\
    state department|treasury department|muslim brotherhood|red cross|goldman sachs|morgan stanley|\
    general motors|general electric|wells fargo|deutsche bank|credit suisse|manchester united|real madrid|\
    federal reserve|european commission|world bank|amnesty international|human rights watch|buckingham palace-office|\
    downing street|scotland yard|boko haram|al qaeda|al shabaab|home office|foreign office|\
    house of representatives|house of commons|house of lords|national guard|secret service|coast guard|\
    washington times|new york post|new yorker|daily beast|the hill|huffington post|daily telegraph|daily news|\
    new york daily news|chicago tribune|boston globe|sky news|nbc news|abc news|cbs news|bbc news|voice of america|\
    department of justice|agence france-presse|getty images|epa-efe|lockheed martin|jpmorgan chase|\
    bank of america|air force|national rifle association|planned parenthood|tea party|labour party|conservative party|\
    republican party|democratic party|green party|united states army|u.s. army|u.s. navy|u.s. senate|u.s. congress|\
    u.s. supreme court|u.s. house|u.s. air force|u.s. marine corps|marine corps|revolutionary guard";
