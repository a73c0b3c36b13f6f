# The virtual machines of this node as facts. Dot-sourced by Watari.HyperV.psm1.
#
# Read in bulk from root/virtualization/v2 and joined by the VM's GUID: the cmdlets of Hyper-V ask for every property of
# every VM by itself, so fifty VMs take a minute. Names, states and subtypes here are the same in every language.

# EnabledState. The numbers are those of Get-VM's State; what is missing here is Other. From 32785 on a VM has lost its
# storage or its worker, and does what the name says all the same.
$script:VMStates = @{
    2 = 'Running'; 3 = 'Off'; 4 = 'Stopping'; 6 = 'Saved'; 9 = 'Paused'; 10 = 'Starting'
    32773 = 'Saving'; 32779 = 'Saved'; 32780 = 'Saving'
    32785 = 'Running'; 32786 = 'Off'; 32787 = 'Stopping'; 32788 = 'Saved'; 32789 = 'Paused'; 32790 = 'Starting'
    32792 = 'Saving'; 32795 = 'Saved'; 32796 = 'Saving'
}
$script:CriticalStates = 32785
# HealthState. Get-VM says ...Critical when it is anything else.
$script:Healthy = 5

# OperationalStatus: creating, applying, deleting a checkpoint; merging disks, exporting, backing up, changed by
# somebody, moving storage. 32771 waits to start and 32774 migrates: a move is told by its role.
$script:BusyStatus = @(32768, 32769, 32770, 32772, 32773, 32776, 32777, 32778, 32779)

# Heartbeat of a running VM: ok; error, no contact, lost communication. Null while it is off.
$script:Heartbeats = @{ 2 = 'Ok'; 6 = 'NoContact'; 12 = 'NoContact'; 13 = 'NoContact' }

$script:DvdDisk = 'Microsoft:Hyper-V:Virtual CD/DVD Disk'
$script:PhysicalDisk = 'Microsoft:Hyper-V:Physical Disk Drive'

# By VM id, the settings of many VMs: their InstanceID is 'Microsoft:<GUID of the VM>\...'. Those of a checkpoint have
# the checkpoint's GUID, and templates have none.
function Group-ByVM {
    param([object[]]$Setting)
    $byVM = @{}
    foreach ($one in $Setting) {
        if ([string]$one.InstanceID -notmatch '\AMicrosoft:([0-9A-Fa-f-]{36})(\\|\z)') { continue }
        $id = $Matches[1].ToLowerInvariant()
        if (-not $byVM.ContainsKey($id)) { $byVM[$id] = [System.Collections.ArrayList]::new() }
        [void]$byVM[$id].Add($one)
    }
    $byVM
}

function Get-Setting {
    param([hashtable]$Of, [string]$Id)
    if ($Of.ContainsKey($Id)) { $Of[$Id] }
}

# The first text of a property that holds many; '' where there is none.
function Get-FirstText {
    param($Values)
    foreach ($value in $Values) { return [string]$value }
    ''
}

# What changes while a VM runs, of all VMs or of one; the caption of a VM is localised, so a GUID for a name tells it.
function Read-VMState {
    param([string]$VMId)
    $properties = 'Name', 'ElementName', 'EnabledState', 'HealthState', 'OperationalStatus', 'UpTime', 'MemoryUsage', 'Heartbeat'
    $rows = if ($VMId) {
        Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_SummaryInformation -Filter "Name='$VMId'" -Property $properties
        }
    }
    else {
        Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_SummaryInformation -Property $properties
        }
    }
    $rows | Where-Object { [string]$_.Name -match '\A[0-9A-Fa-f-]{36}\z' } | ForEach-Object {
        $number = [int]$_.EnabledState
        $state = $script:VMStates[$number]
        if ($null -eq $state) { $state = 'Other' }
        $heartbeat = 'Unknown'
        if ($null -ne $_.Heartbeat -and $script:Heartbeats.ContainsKey([int]$_.Heartbeat)) {
            $heartbeat = $script:Heartbeats[[int]$_.Heartbeat]
        }
        $busy = $false
        foreach ($status in $_.OperationalStatus) { if ($script:BusyStatus -contains [int]$status) { $busy = $true } }
        [pscustomobject][ordered]@{
            id                  = ([string]$_.Name).ToLowerInvariant()
            name                = [string]$_.ElementName
            state               = $state
            critical            = $number -ge $script:CriticalStates -or
            ($null -ne $_.HealthState -and [int]$_.HealthState -ne $script:Healthy)
            # In megabytes, and of the last moment that it had memory.
            memoryAssignedBytes = $(if ('Off', 'Saved' -contains $state) { [long]0 } else { [long]$_.MemoryUsage * 1048576 })
            uptimeSeconds       = [long][Math]::Floor([long]$_.UpTime / 1000)
            heartbeat           = $heartbeat
            busy                = $busy
        }
    }
}

# The settings that a VM runs with, by its id: none of checkpoints, and none of a VM that is only on its way here.
function Read-VMSetting {
    Group-ByVM @(Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_VirtualSystemSettingData -Filter "VirtualSystemType='Microsoft:Hyper-V:System:Realized'" -Property InstanceID, Version, VirtualSystemSubType, Notes, ConfigurationDataRoot, SnapshotDataRoot, SwapFileDataRoot
        })
}

# DeviceID of a device, by the path of its CIM object; the whole path where it has none.
function Get-DeviceOf {
    param([string]$CimPath)
    if ($CimPath -notmatch 'DeviceID="((?:\\.|[^"\\])*)"') { return $CimPath }
    [regex]::Replace($Matches[1], '\\(.)', '$1')
}

# By VM id, its disks and the discs in its drives. A whole disk of the host is told by its id, which is no path of a
# file.
function Read-VMDisk {
    $files = @(Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_StorageAllocationSettingData -Property InstanceID, ResourceSubType, HostResource, PersistentReservationsSupported
        })
    $whole = @(Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_ResourceAllocationSettingData -Filter "ResourceSubType='Microsoft:Hyper-V:Physical Disk Drive'" -Property InstanceID, ResourceSubType, HostResource
        })
    Group-ByVM @(foreach ($one in $files + $whole) {
            $path = Get-FirstText $one.HostResource
            if ($one.ResourceSubType -eq $script:PhysicalDisk) { $path = Get-DeviceOf $path }
            if ($path) {
                [pscustomobject]@{
                    InstanceID = $one.InstanceID
                    isDisc     = $one.ResourceSubType -eq $script:DvdDisk
                    path       = $path
                    # A VHD set is made to be shared, and moves.
                    shared     = [bool](Read-Property $one 'PersistentReservationsSupported') -and $path -notlike '*.vhds'
                }
            }
        })
}

# By VM id, the switch of each network adapter; $null where it is not connected.
function Read-VMAdapter {
    $names = @{}
    Invoke-Recorded {
        CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_VirtualEthernetSwitch -Property Name, ElementName
    } | ForEach-Object { $names[[string]$_.Name] = [string]$_.ElementName }
    $ports = @(Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_SyntheticEthernetPortSettingData -Property InstanceID
        })
    # 'Microsoft:<VM>\<adapter>\C': the connection of an adapter, a legacy one too.
    $connections = @(Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_EthernetPortAllocationSettingData -Property InstanceID, EnabledState, HostResource
        })
    $connected = @{}
    foreach ($one in $connections) {
        $adapter = ([string]$one.InstanceID) -replace '\\C\z', ''
        # 3: plugged out, with the switch still named.
        $resource = if ($one.EnabledState -eq 3) { '' } else { Get-FirstText $one.HostResource }
        $known = $resource -match '[.,]Name="([^"]*)"' -and $names.ContainsKey($Matches[1])
        $connected[$adapter] = $(if ($known) { $names[$Matches[1]] } elseif ($resource) { $resource } else { $null })
    }
    $byVM = Group-ByVM @($ports + @($connections | Where-Object { $_.InstanceID -match '\\C\z' }))
    $switches = @{}
    foreach ($id in @($byVM.Keys)) {
        $adapters = @($byVM[$id] | ForEach-Object { ([string]$_.InstanceID) -replace '\\C\z', '' } | Select-Object -Unique)
        $switches[$id] = @($adapters | ForEach-Object { $connected[$_] })
    }
    $switches
}

# The facts of all VMs of this node, or of those with the ids.
function Read-VMFact {
    param([string[]]$Id)
    $states = @(Read-VMState | Where-Object { -not $Id -or $Id -contains $_.id })
    if ($states.Count -eq 0) { return }
    $settings = Read-VMSetting
    $processors = Group-ByVM @(Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_ProcessorSettingData -Property InstanceID, LimitProcessorFeatures
        })
    $memory = Group-ByVM @(Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_MemorySettingData -Property InstanceID, VirtualQuantity
        })
    $security = Group-ByVM @(Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_SecuritySettingData -Property InstanceID, TpmEnabled
        })
    $devices = Group-ByVM @(Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_PciExpressSettingData -Property InstanceID, HostResource
        })
    $gpus = Group-ByVM @(Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_GpuPartitionSettingData -Property InstanceID
        })
    $exchanges = Group-ByVM @(Invoke-Recorded {
            CimCmdlets\Get-CimInstance -Namespace root/virtualization/v2 -ClassName Msvm_KvpExchangeComponentSettingData -Property InstanceID, HostOnlyItems
        })
    $disks = Read-VMDisk
    $adapters = Read-VMAdapter
    foreach ($one in $states) {
        $vm = $one.id
        $setting = @(Get-Setting $settings $vm)
        $startup = @(Get-Setting $memory $vm)
        # Every VM has both. One that has left since is read again, and so is what is told of half a VM.
        if ($setting.Count -eq 0 -or $startup.Count -eq 0) { throw "The settings of the VM '$($one.name)' were not found." }
        [pscustomobject][ordered]@{
            id                        = $vm
            name                      = $one.name
            state                     = $one.state
            critical                  = $one.critical
            version                   = [string]$setting[0].Version
            generation                = $(if ([string]$setting[0].VirtualSystemSubType -like '*:2') { 2 } else { 1 })
            memoryStartupBytes        = [long]$startup[0].VirtualQuantity * 1048576
            memoryAssignedBytes       = $one.memoryAssignedBytes
            uptimeSeconds             = $one.uptimeSeconds
            heartbeat                 = $one.heartbeat
            switches                  = @(if ($adapters.ContainsKey($vm)) { $adapters[$vm] })
            disks                     = @(Get-Setting $disks $vm | Where-Object { -not $_.isDisc } | ForEach-Object { $_.path })
            dvds                      = @(Get-Setting $disks $vm | Where-Object { $_.isDisc } | ForEach-Object { $_.path })
            compatibilityForMigration = @(Get-Setting $processors $vm | Where-Object { $_.LimitProcessorFeatures }).Count -gt 0
            passThroughDevices        = @(Get-Setting $devices $vm | ForEach-Object { Get-DeviceOf (Get-FirstText $_.HostResource) })
            gpuPartitions             = @(Get-Setting $gpus $vm).Count
            tpm                       = @(Get-Setting $security $vm | Where-Object { $_.TpmEnabled }).Count -gt 0
            busy                      = $one.busy
            # Written into the VM when it became a role. It may be stale: whoever acts asks the cluster.
            clustered                 = @(Get-Setting $exchanges $vm | Where-Object { "$($_.HostOnlyItems)" -match 'VirtualMachineIsClustered' }).Count -gt 0
            notes                     = @($setting[0].Notes) -join "`n"
        }
    }
}

function Get-WatariVM {
    <#
    .SYNOPSIS
    Lists the virtual machines that this node holds now.
    .EXAMPLE
    Get-WatariVM | Where-Object state -eq Running
    #>
    [CmdletBinding()]
    param()
    Assert-HyperV
    Invoke-Consistently { Read-VMFact | Sort-Object -Property name }
}

function Get-WatariVMState {
    <#
    .SYNOPSIS
    Tells of one virtual machine what changes while it runs; $null when this node does not hold it.
    .DESCRIPTION
    One query, however many VMs there are: for whoever waits for a VM.
    .PARAMETER VMId
    Id of the VM.
    .EXAMPLE
    Get-WatariVMState -VMId 2b0c2e5d-5d7c-4b61-9c0a-3d6f0d8f7a11
    #>
    [CmdletBinding()]
    param([Parameter(Mandatory = $true)][guid]$VMId)
    # Asked each second: what stands in the way is looked for when something does.
    try { $found = @(Read-VMState ([string]$VMId).ToUpperInvariant()) }
    catch {
        Assert-HyperV
        throw
    }
    if ($found.Count -eq 0) { return $null }
    $found[0] | Select-Object -Property * -ExcludeProperty busy
}

# Looking into a disk opens its file. Chains that are not read by then are told as far as they are known.
$script:DiskChainsMs = 30000

# By path, the parent of a virtual disk: '' for one that has none. Whole levels at a time. What is not there, is in use
# elsewhere or is no virtual disk (a whole disk of the host has a path too) is not in the answer.
function Read-DiskParent {
    param([string[]]$Path)
    $parents = @{}
    $level = @($Path | Where-Object { $_ -match '\.(a?vhdx?|vhds)\z' } | Sort-Object -Unique)
    $watch = [System.Diagnostics.Stopwatch]::StartNew()
    while ($level.Count -gt 0 -and $watch.ElapsedMilliseconds -lt $script:DiskChainsMs) {
        $next = Invoke-Recorded { Hyper-V\Get-VHD -Path $level -ErrorAction Continue } 2>&1 |
            Where-Object { $_ -isnot [System.Management.Automation.ErrorRecord] } | ForEach-Object {
                $parent = [string](Read-Property $_ 'ParentPath')
                $parents[[string]$_.Path] = $parent
                $parent
            }
        $level = @($next | Where-Object { $_ -and -not $parents.ContainsKey($_) } | Sort-Object -Unique)
    }
    $parents
}

function Get-WatariVMStorage {
    <#
    .SYNOPSIS
    Lists the files of the virtual machines that this node holds: configuration, paging file, disks with their parents.
    .EXAMPLE
    Get-WatariVMStorage | Select-Object name, configurationPath, { $_.disks.path }
    #>
    [CmdletBinding()]
    param()
    Assert-HyperV
    Invoke-Consistently {
        $states = @(Read-VMState | Sort-Object -Property name)
        if ($states.Count -eq 0) { return }
        $settings = Read-VMSetting
        $disks = Read-VMDisk
        $parents = Read-DiskParent @($disks.Values | ForEach-Object { $_ } | Where-Object { -not $_.isDisc } | ForEach-Object { $_.path })
        foreach ($one in $states) {
            $setting = @(Get-Setting $settings $one.id)
            if ($setting.Count -eq 0) { throw "The settings of the VM '$($one.name)' were not found." }
            [pscustomobject][ordered]@{
                vmId              = $one.id
                name              = $one.name
                configurationPath = [string]$setting[0].ConfigurationDataRoot
                smartPagingPath   = [string]$setting[0].SwapFileDataRoot
                snapshotPath      = [string]$setting[0].SnapshotDataRoot
                disks             = @(Get-Setting $disks $one.id | Where-Object { -not $_.isDisc } | ForEach-Object {
                        $chain = [System.Collections.ArrayList]::new()
                        $parent = [string]$parents[$_.path]
                        while ($parent -and $chain -notcontains $parent) {
                            [void]$chain.Add($parent)
                            $parent = [string]$parents[$parent]
                        }
                        [pscustomobject][ordered]@{ path = $_.path; parents = $chain.ToArray(); shared = $_.shared }
                    })
            }
        }
    }
}
